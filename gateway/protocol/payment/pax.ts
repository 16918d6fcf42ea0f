import { z } from 'zod'
import { createFramer, encodeFrame, framingSchema } from '../../line/framing/catalog.js'
import type { Framer } from '../../line/framing/framer.js'
import { AckNakLink, ackNakSchema } from '../../line/link/ack-nak.js'
import type { Link } from '../../line/link/link.js'
import type { MessageOutline, Protocol, Reading } from '../protocol.js'
import {
  currencyOption,
  given,
  minorUnits,
  optionally,
  type PaymentKind,
  paymentMessages,
  paymentReading,
  unreadApproval,
  unwritten,
} from './payment-messages.js'
import { readMoment } from './smart-sale-message.js'

/** PAX terminals: command, version and fields between FS, groups between US. */
export const paxSchema = z.strictObject({
  type: z.literal('pax'),
  currency: currencyOption('USD'),
})

type Options = z.output<typeof paxSchema>

const FRAMING = framingSchema.parse({ type: 'stx-etx', checksum: 'lrc', controls: '040615' })
const FS = '\x1c'
const US = '\x1f'
/** The answer to a card payment. Those to debit, cash and other cards are not read. */
const CREDIT = 'T01'
const PAYMENT = /^T\d\d$/
const ACCEPTED = '000000'
const COMMAND = /^[A-Z]\d\d$/
/** Transaction types of T01. */
const KINDS: Readonly<Record<string, PaymentKind>> = {
  '01': 'approved',
  '02': 'refunded',
  '16': 'reversed',
}

/** By these a payment is known again when it is repeated. */
const KEY = ['date', 'traceNumber']

export class Pax implements Protocol {
  readonly messages: readonly MessageOutline[] = paymentMessages(KEY)
  readonly link: Link<unknown> = new AckNakLink(ackNakSchema.parse({ type: 'ack-nak' }))
  readonly #currency: string

  constructor({ currency }: Options) {
    this.#currency = currency
  }

  createFramer(): Framer {
    return createFramer(FRAMING)
  }

  read(payload: Uint8Array): Reading {
    const fields = Buffer.from(payload).toString('latin1').split(FS)
    const [status = '', command = ''] = fields
    // A request begins with its command, an answer with a status before it.
    if (COMMAND.test(status)) return paymentReading('progress', { text: status })
    if (!/^\d$/.test(status) || !COMMAND.test(command))
      return { type: 'rejected', issue: 'expected a command' }
    if (command === CREDIT) return this.#answer(fields)
    return PAYMENT.test(command) && fields[3] === ACCEPTED
      ? unreadApproval(command)
      : paymentReading('other', { text: command })
  }

  encode(message: string, values: Readonly<Record<string, unknown>>): Uint8Array {
    if (message !== 'approved') return unwritten(message, ['approved'])
    const text = (name: string): string => optionally(values, name)
    const host = ['00', 'APPROVAL', text('authorisationCode')].join(US)
    const moment = `${given(values, 'date')}${given(values, 'time')}`.replaceAll(/[-:]/g, '')
    const card = text('maskedPan').replaceAll('*', '')
    const trace = [given(values, 'traceNumber'), text('reference'), moment].join(US)
    const head = ['0', CREDIT, '1.44', ACCEPTED, 'OK', host, '01', given(values, 'amount')]
    return encodeFrame(FRAMING, Buffer.from([...head, card, trace].join(FS), 'latin1'))
  }

  #answer(fields: readonly string[]): Reading {
    const [, , , responseCode, text] = fields
    const [host, type = '', amounts, account, trace] = fields.slice(5).map(one => one.split(US)[0])
    const group = (index: number): readonly string[] => fields[index]?.split(US) ?? []
    const kind = KINDS[type]
    if (responseCode !== ACCEPTED || host !== '00')
      return paymentReading(minorUnits(amounts) === undefined ? 'other' : 'declined', {
        amount: minorUnits(amounts),
        currency: this.#currency,
        responseCode,
        text,
      })
    if (kind === undefined) return unreadApproval(`${CREDIT} ${type}`)
    return paymentReading(
      kind,
      {
        amount: minorUnits(amounts),
        currency: this.#currency,
        maskedPan: account,
        authorisationCode: group(5)[2],
        traceNumber: trace,
        reference: group(9)[1],
        responseCode,
        text,
        ...readMoment(group(9)[2]),
      },
      KEY,
    )
  }
}
