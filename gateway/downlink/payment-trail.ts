import { TillbridgeError } from '../core/errors.js'
import type { TerminalId } from '../core/ids.js'
import { decodeEvent, type Event, type EventData } from '../event/event.js'
import type { Journal } from '../journal/journal.js'
import type { CommandOutcome, CommandRequest } from '../wire/command.js'

type Payment = EventData<'payment.started'>

const SLICE_RECORDS = 200
const SLICE_BYTES = 256 * 1024

/** What the journal holds of a terminal's payments since a command to it was begun. */
export interface PaymentTrail {
  /** The record that it was begun is there: what is not in the trail did not happen. */
  readonly isWhole: boolean
  /** Oldest first. */
  readonly events: readonly Event[]
}

/** Reads the journal backwards, to the record that this command is being executed. */
export async function paymentTrail(
  journal: Journal,
  command: { readonly id: string; readonly target: TerminalId },
): Promise<PaymentTrail> {
  const events: Event[] = []
  for (const { epoch, first, last } of [...journal.epochs()].reverse())
    for (let end = last; end >= first; end -= SLICE_RECORDS) {
      const begin = Math.max(first, end - SLICE_RECORDS + 1)
      const slice = await eventsBetween(journal, { epoch, first: begin, last: end })
      if (slice === undefined) return { isWhole: false, events }
      const at = slice.findLastIndex(event => isExecuting(event, command.id))
      const paid = slice
        .slice(at + 1)
        .filter(({ terminal, type }) => terminal === command.target && type.startsWith('payment.'))
      events.unshift(...paid)
      if (at >= 0) return { isWhole: true, events }
    }
  return { isWhole: false, events }
}

const NOT_SENT: CommandOutcome = {
  type: 'failed',
  reason: 'rejected',
  detail: 'the terminal was not asked for it',
}

const LOST: CommandOutcome = {
  type: 'failed',
  reason: 'unknown',
  detail: 'the journal has no record of it any more: look at the terminal',
}

/**
 * What came of an authorisation by what its terminal said of it. Undefined: nobody can say yet.
 * What it took back behind its approval is not paid.
 */
export function outcomeOf({ isWhole, events }: PaymentTrail): CommandOutcome | undefined {
  const began = events.findIndex(({ type }) => type === 'payment.started')
  const started = events[began]
  // It is journaled before its first byte goes out: without that, nothing did.
  if (started?.type !== 'payment.started') return isWhole ? NOT_SENT : LOST
  for (const event of events.slice(began + 1).reverse())
    switch (event.type) {
      case 'payment.approved':
      case 'payment.declined':
      case 'payment.reversed': {
        if (!isSame(event.data, started.data)) break
        if (event.type === 'payment.approved')
          return { type: 'successful', values: valuesOf(event.data) }
        const { reason = 'the terminal took it back' } = event.data
        return { type: 'failed', reason: 'rejected', detail: reason }
      }
      default:
        break
    }
  return undefined
}

export function isDecision({ type }: Event): boolean {
  return type === 'payment.approved' || type === 'payment.declined' || type === 'payment.reversed'
}

const NOT_CARRIED_OUT: CommandOutcome = {
  type: 'failed',
  reason: 'rejected',
  detail: 'not carried out: the terminal was asked, and has done nothing of it',
}

/**
 * What came of a reversal, a refund or an end of day, once its terminal has nothing in doubt any
 * more: what was carried out is in the journal.
 */
export function outcomeOfOther(
  { isWhole, events }: PaymentTrail,
  { verb, arguments: values }: Pick<CommandRequest, 'verb' | 'arguments'>,
): CommandOutcome {
  for (const event of events)
    switch (event.type) {
      case 'payment.reversed': {
        const { reason, amountMinor } = event.data
        const isIt =
          verb === 'refund'
            ? reason === 'refund' && amountMinor === values['amountMinor']
            : verb === 'reverse' && reason === undefined
        if (isIt) return { type: 'successful', values: valuesOf(event.data) }
        break
      }
      case 'payment.settled': {
        const { amountMinor } = event.data
        if (verb === 'end-of-day') return { type: 'successful', values: { amountMinor } }
        break
      }
      default:
        break
    }
  return isWhole ? NOT_CARRIED_OUT : LOST
}

/** A terminal that is asked for its last payment may tell of one that it was not asked for here. */
function isSame(said: Payment, asked: Payment): boolean {
  const { terminalReceiptNumber: reference, amountMinor, currency } = asked
  const isOther = reference !== undefined && reference !== said.terminalReceiptNumber
  return !isOther && said.amountMinor === amountMinor && said.currency === currency
}

function isExecuting(event: Event, id: string): boolean {
  if (event.type !== 'gateway.command') return false
  return event.data.command === id && event.data.state === 'executing'
}

function valuesOf(
  data: Readonly<Record<string, string | number>>,
): Record<string, string | number> {
  const { amountMinor, authorisationCode, terminalReceiptNumber, traceNumber, maskedPan } = data
  const values = {
    amountMinor,
    authorisationCode,
    receiptNumber: terminalReceiptNumber,
    traceNumber,
    maskedPan,
  }
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value] as const],
    ),
  )
}

/** Undefined where one of them cannot be read any more. */
async function eventsBetween(
  journal: Journal,
  range: Omit<Parameters<Journal['read']>[0], 'maxBytes'>,
): Promise<readonly Event[] | undefined> {
  const events: Event[] = []
  for (let first = range.first; first <= range.last; ) {
    let records: Awaited<ReturnType<Journal['read']>>['records']
    try {
      records = (await journal.read({ ...range, first, maxBytes: SLICE_BYTES })).records
    } catch (thrown) {
      if (thrown instanceof TillbridgeError) return undefined
      throw thrown
    }
    const [newest] = records.slice(-1)
    if (newest === undefined) return undefined
    for (const { header, body } of records) {
      const isOurs = header.type === 'gateway.command' || header.type.startsWith('payment.')
      const event = isOurs && body.type === 'event' ? decodeEvent(body.bytes) : undefined
      if (event?.ok) events.push(event.value)
    }
    first = newest.header.seq + 1
  }
  return events
}
