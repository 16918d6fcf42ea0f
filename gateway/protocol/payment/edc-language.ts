import { fail, ok, type Result } from '../../core/result.js'
import type { EcrLanguage, EcrRequest } from '../../line/link/ecr-language.js'
import type { CommandOutcome, LinkCommand } from '../../line/link/link.js'
import { EDC_FIELD, type EdcMessage, edcFrame, readEdc, writeEdc } from './edc.js'

/** Transaction codes. */
export const EDC_TRANSACTION = { sale: '20', void: '26', settlement: '50', qrSale: '70' } as const
/** A reference of the till, which some terminals repeat in their answer. */
export const EDC_REFERENCE = 'R1'
const APPROVED = '00'

const AMOUNT = /^[1-9]\d{0,11}$/
const REFERENCE = /^[0-9A-Za-z-]{1,20}$/
const INVOICE = /^\d{1,6}$/

/** What this protocol's terminals are asked. */
export class EdcLanguage implements EcrLanguage {
  readonly ask: string | undefined
  /** The transaction code that repeats the last payment, where the terminal has one. */
  readonly #last: string | undefined

  constructor(last: string | undefined) {
    this.#last = last
    this.ask = last === undefined ? undefined : 'last'
  }

  request(command: LinkCommand): Result<EcrRequest, string> | undefined {
    const transaction = this.#transactionOf(command.verb)
    if (transaction === undefined) return undefined
    const fields = fieldsOf(command)
    if (!fields.ok) return fields
    const payload = writeEdc(requestOf(transaction, fields.value))
    const moves = command.verb === 'authorise' || command.verb === 'reverse'
    const frame = edcFrame(payload)
    return ok({ frame, payload: moves ? payload : undefined, isAnswered: true })
  }

  kindOf(verb: string, payload: Uint8Array): 'answer' | 'progress' | 'other' {
    const message = readEdc(payload)
    if (!message.ok || message.value.requestIndicator !== '1') return 'other'
    if (message.value.more === '1') return 'progress'
    return message.value.transaction === this.#transactionOf(verb) ? 'answer' : 'other'
  }

  outcomeOf(command: LinkCommand, payload: Uint8Array): CommandOutcome {
    const message = readEdc(payload)
    if (!message.ok) return { type: 'failed', reason: 'unknown', detail: message.error }
    const { responseCode, fields } = message.value
    if (responseCode !== APPROVED)
      return { type: 'failed', reason: 'rejected', detail: `the terminal says ${responseCode}` }
    if (this.#tells(command, fields) === false)
      return { type: 'failed', reason: 'unknown', detail: 'it answers to another request' }
    const values = [
      ['authorisationCode', fields.get(EDC_FIELD.authorisationCode)],
      ['traceNumber', fields.get(EDC_FIELD.invoice)],
    ].filter((pair): pair is [string, string] => pair[1] !== undefined)
    return { type: 'successful', values: Object.fromEntries(values) }
  }

  tellsOf(command: LinkCommand, payload: Uint8Array): boolean | undefined {
    const message = readEdc(payload)
    if (!message.ok || !message.value.fields.has(EDC_REFERENCE)) return undefined
    return this.#tells(command, message.value.fields)
  }

  /** Whatever both name is the same. */
  #tells({ values }: LinkCommand, fields: ReadonlyMap<string, string>): boolean {
    const { amount, reference } = values
    const stated = fields.get(EDC_FIELD.amount)
    const repeated = fields.get(EDC_REFERENCE)
    return (
      (amount === undefined || stated === undefined || Number(stated) === Number(amount)) &&
      (reference === undefined || repeated === undefined || repeated === String(reference))
    )
  }

  #transactionOf(verb: string): string | undefined {
    switch (verb) {
      case 'authorise':
        return EDC_TRANSACTION.sale
      case 'reverse':
        return EDC_TRANSACTION.void
      case 'close':
        return EDC_TRANSACTION.settlement
      case 'last':
        return this.#last
      default:
        return undefined
    }
  }
}

function fieldsOf({ verb, values }: LinkCommand): Result<ReadonlyMap<string, string>, string> {
  const text = (name: string): string => String(values[name] ?? '')
  switch (verb) {
    case 'authorise': {
      if (!AMOUNT.test(text('amount'))) return fail('amount: it is missing or does not fit')
      if (!REFERENCE.test(text('reference'))) return fail('reference: missing, or does not fit')
      const fields = [
        [EDC_FIELD.amount, text('amount').padStart(12, '0')],
        [EDC_REFERENCE, text('reference')],
      ] as const
      return ok(new Map(fields))
    }
    case 'reverse':
      if (!INVOICE.test(text('traceNumber'))) return fail('traceNumber: missing, or does not fit')
      return ok(new Map([[EDC_FIELD.invoice, text('traceNumber').padStart(6, '0')]]))
    default:
      return ok(new Map())
  }
}

function requestOf(transaction: string, fields: ReadonlyMap<string, string>): EdcMessage {
  return {
    transport: { type: '60', destination: '0000', source: '0000' },
    version: '1',
    requestIndicator: '0',
    transaction,
    responseCode: '00',
    more: '0',
    fields,
  }
}
