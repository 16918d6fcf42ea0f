/** What acceptors tell: how many events there were, and the last five of them. */
export const BUFFERED_EVENTS = 5
const COUNTER_VALUES = 255

export type Device = 'coin-acceptor' | 'bill-validator'

export type EventKind = 'credit' | 'pending-credit' | 'status' | 'reject' | 'fault' | 'fraud'

export interface AcceptorEvent {
  readonly kind: EventKind
  readonly name: string
  /** The coin or bill; of credits alone. */
  readonly type?: number
}

/**
 * How many events happened between two counters: it runs from 1 to 255 and goes on with 1. At 0 the
 * device was reset, and has told nothing since.
 */
export function countNew(previous: number, current: number): number {
  if (current === 0) return 0
  return current >= previous ? current - previous : current - previous + COUNTER_VALUES
}

/** One pair of an answer; nothing where the device's specification has no such. */
export function readEvent(
  device: Device,
  pair: readonly [number, number],
): AcceptorEvent | undefined {
  const [first, second] = pair
  if (device === 'coin-acceptor')
    return first > 0
      ? { kind: 'credit', name: 'coin-accepted', type: first }
      : (COIN_EVENTS[second] ?? { kind: 'reject', name: `coin-event-${second}` })
  if (first === 0) return BILL_EVENTS[second]
  if (second === 0) return { kind: 'credit', name: 'bill-validated-cashbox', type: first }
  if (second === 1) return { kind: 'pending-credit', name: 'bill-validated-escrow', type: first }
  return undefined
}

/** Those that someone has to see; the others are coins that were not taken. */
const COIN_EVENTS: Readonly<Record<number, AcceptorEvent>> = {
  0: { kind: 'status', name: 'no-event' },
  14: { kind: 'fault', name: 'credit-sensor-blocked' },
  15: { kind: 'fault', name: 'sorter-opto-blocked' },
  20: { kind: 'fraud', name: 'coin-on-string' },
  254: { kind: 'status', name: 'coin-return-mechanism-activated' },
  255: { kind: 'fault', name: 'unspecified-alarm' },
}

const status = (name: string): AcceptorEvent => ({ kind: 'status', name })
const fault = (name: string): AcceptorEvent => ({ kind: 'fault', name })
const fraud = (name: string): AcceptorEvent => ({ kind: 'fraud', name })

/** ccTalk generic specification, part 3: bill events whose first byte is 0. */
const BILL_EVENTS: Readonly<Record<number, AcceptorEvent>> = {
  0: status('master-inhibit-active'),
  1: status('bill-returned-from-escrow'),
  2: { kind: 'reject', name: 'invalid-bill-validation-fail' },
  3: { kind: 'reject', name: 'invalid-bill-transport-fail' },
  4: status('inhibited-bill-serial'),
  5: status('inhibited-bill-dip-sw'),
  6: fault('bill-jammed-transport-unsafe'),
  7: fault('bill-jammed-stacker'),
  8: fraud('bill-pulled-backward'),
  9: fraud('bill-tamper'),
  10: status('stacker-ok'),
  11: status('stacker-removed'),
  12: status('stacker-inserted'),
  13: fault('stacker-faulty'),
  14: status('stacker-full'),
  15: fault('stacker-jammed'),
  16: fault('bill-jammed-transport-safe'),
  17: fraud('opto-fraud-detected'),
  18: fraud('string-fraud-detected'),
  19: fault('anti-string-mechanism-faulty'),
  20: status('barcode-detected'),
  21: status('unknown-bill-type-stacked'),
  22: status('note-jam-cleared'),
}

/** What an answer to a poll for events holds: the counter, and the pairs, newest first. */
export interface EventBuffer {
  readonly counter: number
  readonly pairs: readonly (readonly [number, number])[]
}

/** Nothing where the data are no such answer. */
export function readEventBuffer(data: Uint8Array): EventBuffer | undefined {
  if (data.length !== 1 + 2 * BUFFERED_EVENTS) return undefined
  const pairs = Array.from(
    { length: BUFFERED_EVENTS },
    (_, at) => [data[1 + 2 * at] ?? 0, data[2 + 2 * at] ?? 0] as const,
  )
  return { counter: data[0] ?? 0, pairs }
}
