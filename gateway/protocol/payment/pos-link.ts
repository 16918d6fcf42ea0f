import { z } from 'zod'
import { formatAmount, parseAmount } from '../../core/money.js'
import { createFramer, encodeFrame, framingSchema } from '../../line/framing/catalog.js'
import type { Framer } from '../../line/framing/framer.js'
import { AckNakLink, ackNakSchema } from '../../line/link/ack-nak.js'
import type { Link } from '../../line/link/link.js'
import type { MessageOutline, Protocol, Reading } from '../protocol.js'
import {
  currencyOption,
  given,
  optionally,
  type PaymentFields,
  type PaymentKind,
  paymentMessages,
  paymentReading,
  unwritten,
} from './payment-messages.js'

/** Verifone POSLink 2.2, New Zealand. Source: Yort.Eftpos.Verifone.PosLink (MIT). */
export const posLinkSchema = z.strictObject({
  type: z.literal('pos-link'),
  currency: currencyOption('NZD'),
})

type Options = z.output<typeof posLinkSchema>

const FRAMING = framingSchema.parse({ type: 'stx-etx', checksum: 'lrc', controls: '0615' })
/** What is a comma inside a field stands on the line as FS; DLE is written before a control. */
const FS = '\x1c'
const DLE = '\x10'

/**
 * The commands with money in them: where their answers begin to differ (the purchase alone has a
 * cash amount), and how many fields they have at least. A shorter message is the till's request.
 */
const MONEY: Readonly<Record<string, { readonly kind: PaymentKind; readonly response: number }>> = {
  PUR: { kind: 'approved', response: 5 },
  CSH: { kind: 'approved', response: 4 },
  MAN: { kind: 'approved', response: 4 },
  REF: { kind: 'refunded', response: 4 },
  MRF: { kind: 'refunded', response: 4 },
}
const FIELDS_FROM_RESPONSE = 6
const DISPLAYS: ReadonlySet<string> = new Set(['DSP', 'ASK', 'SIG', 'POL'])
const ACCEPTED = '00'

/** By these a payment is known again when it is repeated. */
const KEY = ['reference']

export class PosLink implements Protocol {
  readonly messages: readonly MessageOutline[] = paymentMessages(KEY).map(message => ({
    ...message,
    fields: [
      ...message.fields,
      // Of the merchants of one terminal; with the reference it names a payment for ever.
      { name: 'merchant', type: 'digits' },
      ...['command', 'id', 'flags', 'bankReference', 'account'].map(name => ({
        name,
        type: 'text' as const,
        optional: true as const,
      })),
      { name: 'cash', type: 'amount', optional: true },
    ],
  }))
  readonly link: Link<unknown> = new AckNakLink(ackNakSchema.parse({ type: 'ack-nak' }))
  readonly #currency: string

  constructor({ currency }: Options) {
    this.#currency = currency
  }

  createFramer(): Framer {
    return createFramer(FRAMING)
  }

  read(payload: Uint8Array): Reading {
    const fields = Buffer.from(payload)
      .toString('latin1')
      .split(',')
      .map(field => field.replaceAll(DLE, '').replaceAll(FS, ','))
    const [reference = '', command = '', merchant = ''] = fields
    if (!/^[A-Z]{3}$/.test(command)) return { type: 'rejected', issue: 'expected a command' }
    if (!/^[1-8]$/.test(merchant)) return { type: 'rejected', issue: 'expected a merchant' }
    const head = { reference, command, merchant }
    const money = MONEY[command]
    if (money === undefined) return this.#withoutMoney(head, fields)
    if (fields.length < money.response + FIELDS_FROM_RESPONSE) return this.#request(head, fields)
    const { kind, response } = money
    const [code, display, bankReference, traceNumber, maskedPan, account] = fields.slice(response)
    return this.#paid(code === ACCEPTED ? kind : 'declined', {
      ...head,
      ...this.#amounts(command, fields),
      responseCode: code,
      text: display,
      bankReference,
      traceNumber,
      maskedPan: maskedPan === '' ? undefined : maskedPan,
      account,
    })
  }

  encode(message: string, values: Readonly<Record<string, unknown>>): Uint8Array {
    const written = ['approved', 'declined', 'requested']
    if (!written.includes(message)) return unwritten(message, written)
    const text = (name: string): string => optionally(values, name)
    const reference = given(values, 'reference')
    const amount = this.#written(Number(given(values, 'amount')))
    const cash = this.#written(Number(optionally(values, 'cash')))
    const rest =
      message === 'requested'
        ? [text('id'), text('flags')]
        : [
            message === 'approved' ? ACCEPTED : text('responseCode'),
            text('text'),
            text('bankReference'),
            text('traceNumber'),
            text('maskedPan'),
            text('account'),
          ]
    const fields = [reference, 'PUR', text('merchant'), amount, cash, ...rest]
    const line = fields.map(field => field.replaceAll(',', FS)).join(',')
    return encodeFrame(FRAMING, Buffer.from(line, 'latin1'))
  }

  #withoutMoney(head: PaymentFields, fields: readonly string[]): Reading {
    const [, command = '', , code, display] = fields
    // Tracks are asked for and answered here: they are for nobody.
    if (command === 'QCD' && fields.slice(5).some(field => field !== ''))
      return { type: 'sensitive', message: 'other' }
    if (DISPLAYS.has(command)) return paymentReading('progress', { ...head, text: display ?? code })
    return paymentReading('other', { ...head, responseCode: code, text: display })
  }

  #request(head: PaymentFields, fields: readonly string[]): Reading {
    const flags = fields.at(-1)
    const id = fields.at(-2)
    const amounts = this.#amounts(fields[1] ?? '', fields)
    return this.#paid('requested', { ...head, ...amounts, id, flags })
  }

  #paid(kind: PaymentKind, fields: PaymentFields): Reading {
    return paymentReading(kind, { ...fields, currency: this.#currency }, KEY)
  }

  #amounts(command: string, fields: readonly string[]): PaymentFields {
    return {
      amount: this.#amount(fields[3]),
      cash: command === 'PUR' ? this.#amount(fields[4]) : undefined,
    }
  }

  #amount(text: string | undefined): number | undefined {
    if (text === undefined || !/^\d{1,9}\.\d\d$/.test(text)) return undefined
    const parsed = parseAmount(text, this.#currency)
    return parsed.ok ? parsed.value : undefined
  }

  #written(amountMinor: number): string {
    return formatAmount(amountMinor, this.#currency).padStart(9, '0')
  }
}
