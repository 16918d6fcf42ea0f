import { systemClock } from '../../gateway/core/clock.js'
import {
  derivedEventId,
  type EpochId,
  newEpochId,
  newEventId,
  type StoreId,
  terminalId,
} from '../../gateway/core/ids.js'
import type { Random } from '../../gateway/core/random.js'
import { type Event, encodeEvent } from '../../gateway/event/event.js'
import { makeEvent } from '../../gateway/event/make-event.js'
import { type Batch, makeBatch } from '../../gateway/wire/batch.js'
import { chainHash, type Digest, GENESIS, type JournalRecord } from '../../gateway/wire/record.js'
import { NOON_MS, STORE } from './sample.js'

/** One epoch of a store, made by hand: what a ledger gets to see of a journal. */
export interface Epoch {
  readonly epoch: EpochId
  readonly previous: Digest
  readonly records: readonly JournalRecord[]
}

/** Where an epoch ends, in the words of the first record of the one after it. */
export function endOf({ epoch, previous, records }: Epoch) {
  return { epoch, last: records.length, head: records.at(-1)?.hash ?? previous }
}

/** `gateway.started`, then these events. */
export function makeEpoch(options: {
  readonly random: Random
  readonly ordinal?: number
  readonly after?: ReturnType<typeof endOf>
  readonly events: readonly Event[]
  readonly store?: StoreId
  readonly software?: string
}): Epoch {
  const { random, ordinal = 1, after, events, store = STORE, software = '1.2.3' } = options
  const started = makeEvent({
    type: 'gateway.started',
    id: newEventId(systemClock, random),
    store,
    terminal: terminalId('gateway'),
    wallMs: NOON_MS,
    timeZone: 'Europe/Berlin',
    clockState: 'synced',
    data: { software, ...(after === undefined ? {} : { previous: after }) },
  })
  const epoch = newEpochId(ordinal, random)
  const previous = after?.head ?? GENESIS
  return continued({ epoch, previous, records: [] }, [started, ...events])
}

/** The epoch with more events at its end. */
export function continued(epoch: Epoch, events: readonly Event[]): Epoch {
  const records = [...epoch.records]
  let previous = records.at(-1)?.hash ?? epoch.previous
  for (const event of events) {
    const header = {
      epoch: epoch.epoch,
      seq: records.length + 1,
      class: 'ledger',
      type: event.type,
      boot: 'boot-1',
      monotonicMs: records.length,
      clock: 'synced',
    } as const
    const body = { type: 'event', bytes: encodeEvent(event) } as const
    previous = chainHash(previous, { header, body })
    records.push({ header, body, hash: previous })
  }
  return { ...epoch, records }
}

/** The epoch up to and with a record. */
export function upTo(epoch: Epoch, last: number): Epoch {
  return { ...epoch, records: epoch.records.slice(0, last) }
}

export function batchOf(
  epoch: Epoch,
  range: {
    readonly first: number
    readonly last: number
    readonly store?: StoreId
    readonly historical?: boolean
  },
): Batch {
  const { first, last, store = STORE, historical = false } = range
  const previous = epoch.records[first - 2]?.hash ?? epoch.previous
  const records = epoch.records.slice(first - 1, last)
  return makeBatch({ store, previous, records, historical })
}

/** The epoch in batches of `size` records. */
export function batchesOf(epoch: Epoch, size: number): readonly Batch[] {
  const count = Math.ceil(epoch.records.length / size)
  return Array.from({ length: count }, (_, index) =>
    batchOf(epoch, { first: index * size + 1, last: (index + 1) * size }),
  )
}

/** What a store says that it lost of an epoch. */
export function gapEvent(epoch: EpochId, first: number, last: number): Event {
  return makeEvent({
    type: 'journal.gap',
    id: derivedEventId([epoch, String(first), String(last)]),
    store: STORE,
    terminal: terminalId('gateway'),
    wallMs: NOON_MS,
    timeZone: 'Europe/Berlin',
    clockState: 'synced',
    data: { epoch, first, last, kind: 'damaged', cause: 'bits' },
  })
}
