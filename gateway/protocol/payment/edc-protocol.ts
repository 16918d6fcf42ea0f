import { z } from 'zod'
import { currencyPlaces } from '../../core/money.js'
import type { Framer } from '../../line/framing/framer.js'
import { EcrLink, ecrTiming } from '../../line/link/ecr.js'
import { UNKNOWN_MARK } from '../../line/link/ecr-language.js'
import type { Link } from '../../line/link/link.js'
import type { MessageOutline, Protocol, Reading } from '../protocol.js'
import {
  createEdcFramer,
  EDC_FIELD,
  type EdcMessage,
  edcFrame,
  edcMoment,
  readEdc,
  writeEdc,
} from './edc.js'
import { EDC_REFERENCE, EDC_TRANSACTION, EdcLanguage } from './edc-language.js'
import {
  currencyOption,
  given,
  minorUnits,
  optionally,
  PAYMENT_FIELDS,
  type PaymentKind,
  paymentMessages,
  paymentReading,
  unreadApproval,
  unwritten,
} from './payment-messages.js'

/** The EDC terminals of South-East Asia: fields by type, lengths in BCD. */
export const edcSchema = z.strictObject({
  type: z.literal('edc'),
  /** Amounts have two decimals on the line, whatever the currency. */
  currency: currencyOption('THB').refine(
    code => currencyPlaces(code) === 2,
    'expected a currency with two decimals',
  ),
  /**
   * The transaction code with which the terminal repeats its last payment; without one a lost
   * answer stays unknown.
   */
  lastTransaction: z
    .string()
    .regex(/^[0-9A-Z]{2}$/)
    .exactOptional(),
  ...ecrTiming,
})

type Options = z.output<typeof edcSchema>

const APPROVED = '00'
const KINDS: Readonly<Record<string, PaymentKind>> = {
  [EDC_TRANSACTION.sale]: 'approved',
  [EDC_TRANSACTION.qrSale]: 'approved',
  [EDC_TRANSACTION.void]: 'reversed',
}

/** By these a payment is known again when it is repeated. */
const KEY = ['date', 'traceNumber']

export class Edc implements Protocol {
  readonly messages: readonly MessageOutline[] = [
    ...paymentMessages(KEY),
    { name: 'unknown', fields: PAYMENT_FIELDS },
  ]
  readonly link: Link<unknown>
  readonly #options: Options

  constructor(options: Options) {
    this.#options = options
    this.link = new EcrLink({
      timing: options,
      language: new EdcLanguage(options.lastTransaction),
    })
  }

  createFramer(): Framer {
    return createEdcFramer()
  }

  read(payload: Uint8Array): Reading {
    const isUnknown = payload[0] === UNKNOWN_MARK
    const message = readEdc(isUnknown ? payload.subarray(1) : payload)
    if (!message.ok) return { type: 'rejected', issue: message.error }
    const { requestIndicator, transaction, responseCode, more, fields } = message.value
    const isLast = transaction === this.#options.lastTransaction
    const kind = KINDS[transaction] ?? (isLast ? 'approved' : undefined)
    const isAnswer = requestIndicator === '1' && more === '0'
    const isSum = transaction === EDC_TRANSACTION.settlement
    if (kind === undefined)
      return isAnswer && !isSum && responseCode === APPROVED && fields.has(EDC_FIELD.amount)
        ? unreadApproval(`transaction ${transaction}`)
        : paymentReading('other', { text: transaction })
    // A sale alone names the till's reference: a void that is said again does not say what it is.
    if (isLast && isAnswer && responseCode === APPROVED && !fields.has(EDC_REFERENCE))
      return unreadApproval('the last transaction')
    const text = fields.get(EDC_FIELD.text)
    if (requestIndicator === '1' && more === '1') return paymentReading('progress', { text })
    const amount = minorUnits(fields.get(EDC_FIELD.amount))
    const isWithout = amount === undefined && !fields.has(EDC_FIELD.amount)
    if (requestIndicator === '0' && isWithout)
      // A void names the invoice alone.
      return paymentReading(isUnknown ? 'unknown' : 'other', { text: transaction })
    if (requestIndicator === '0')
      return this.#paid(isUnknown ? 'unknown' : 'requested', message.value)
    if (responseCode === APPROVED) return this.#paid(kind, message.value)
    // A refusal that names no amount moved none.
    return isWithout
      ? paymentReading('other', { text: responseCode })
      : this.#paid('declined', message.value)
  }

  encode(message: string, values: Readonly<Record<string, unknown>>): Uint8Array {
    const written = ['approved', 'declined', 'reversed']
    if (!written.includes(message)) return unwritten(message, written)
    const text = (name: string): string => optionally(values, name)
    const compact = (name: string): string => text(name).replaceAll(/[-:]/g, '')
    const fields = [
      [EDC_FIELD.text, text('text')],
      [EDC_FIELD.authorisationCode, text('authorisationCode')],
      [EDC_FIELD.invoice, text('traceNumber')],
      [EDC_FIELD.terminalId, text('terminalId')],
      [EDC_FIELD.card, text('maskedPan')],
      [EDC_FIELD.cardScheme, text('cardScheme')],
      [EDC_REFERENCE, text('reference')],
      [EDC_FIELD.date, compact('date').slice(2)],
      [EDC_FIELD.time, compact('time')],
      [EDC_FIELD.amount, given(values, 'amount').padStart(12, '0')],
    ] as const
    return edcFrame(
      writeEdc({
        transport: { type: '60', destination: '0000', source: '0000' },
        version: '1',
        requestIndicator: '1',
        transaction: message === 'reversed' ? EDC_TRANSACTION.void : EDC_TRANSACTION.sale,
        responseCode: message === 'declined' ? given(values, 'responseCode') : APPROVED,
        more: '0',
        fields: new Map(fields.filter(([, value]) => value !== '')),
      }),
    )
  }

  #paid(kind: PaymentKind, { fields, responseCode }: EdcMessage): Reading {
    return paymentReading(
      kind,
      {
        amount: minorUnits(fields.get(EDC_FIELD.amount)),
        currency: this.#options.currency,
        reference: fields.get(EDC_REFERENCE) ?? fields.get(EDC_FIELD.reference),
        cardScheme: fields.get(EDC_FIELD.cardScheme),
        maskedPan: fields.get(EDC_FIELD.card),
        authorisationCode: fields.get(EDC_FIELD.authorisationCode),
        traceNumber: fields.get(EDC_FIELD.invoice),
        terminalId: fields.get(EDC_FIELD.terminalId),
        text: fields.get(EDC_FIELD.text),
        responseCode,
        ...edcMoment(fields),
      },
      KEY,
    )
  }
}
