import { z } from 'zod'
import { toHex } from '../../gateway/core/bytes.js'
import { type Clock, systemClock } from '../../gateway/core/clock.js'
import {
  type EventId,
  eventId,
  newEventId,
  type StoreId,
  storeId,
  type TerminalId,
  terminalId,
} from '../../gateway/core/ids.js'
import { type Random, seededRandom } from '../../gateway/core/random.js'
import type { Event } from '../../gateway/event/event.js'
import { makeEvent } from '../../gateway/event/make-event.js'
import type { Journal } from '../../gateway/journal/journal.js'
import { chainHash, GENESIS, type JournalRecord } from '../../gateway/wire/record.js'

export const STORE = storeId('store-001')
export const TILL = terminalId('till-1')
export const NOON_MS = Date.UTC(2026, 10, 22, 11)

/** A clock whose wall time stands where the test puts it. */
export function wallClock(now: { wallMs: number }): Clock {
  return { ...systemClock, wallMs: () => now.wallMs }
}

/** Seeded, and the seed is on record: a run that fails can be had again. */
export function newRandom(t: { comment(text: string): void }): Random {
  const { TEST_SEED = String(Date.now()) } = process.env
  const seed = Number(TEST_SEED)
  t.comment(`TEST_SEED=${seed}`)
  return seededRandom(seed)
}

/** Whole number below `bound`. */
export function below(random: Random, bound: number): number {
  return Math.floor(random.unit() * bound)
}

export function shuffled<Item>(random: Random, items: readonly Item[]): readonly Item[] {
  return items
    .map(item => ({ item, order: random.unit() }))
    .sort((left, right) => left.order - right.order)
    .map(({ item }) => item)
}

/** A sale; its id follows from its number, as that of a till which numbers its receipts does. */
export function sale(options: {
  readonly number: number
  readonly store?: StoreId
  readonly totalMinor?: number
  readonly terminal?: TerminalId
  readonly id?: EventId
  readonly lines?: number
  /** What stands in each line beyond the first. */
  readonly describe?: () => string
}): Event {
  const { number, store = STORE, totalMinor = 250, terminal = TILL, lines = 1 } = options
  const { describe = () => 'Bag' } = options
  const first = { lineNumber: 1, description: 'Milk 1 l', quantity: '1', amountMinor: totalMinor }
  const more = Array.from({ length: lines - 1 }, (_, index) => {
    return { lineNumber: index + 2, description: describe(), quantity: '1', amountMinor: 0 }
  })
  return makeEvent({
    type: 'sale.completed',
    id: options.id ?? eventId(`sale-${number}`),
    store,
    terminal,
    wallMs: NOON_MS,
    timeZone: 'Europe/Berlin',
    clockState: 'synced',
    data: {
      receiptNumber: String(number),
      currency: 'EUR',
      lineItems: [first, ...more],
      tenders: [{ type: 'cash', amountMinor: totalMinor }],
      totalMinor,
      taxIncluded: true,
    },
  })
}

/** A reading; like a sale's, its id follows from its number. */
export function reading(
  number: number,
  from: { readonly store?: StoreId; readonly terminal?: TerminalId; readonly id?: EventId } = {},
): Event {
  return makeEvent({
    type: 'reading.taken',
    id: from.id ?? eventId(`reading-${number}`),
    store: from.store ?? STORE,
    terminal: from.terminal ?? terminalId('fridge-1'),
    wallMs: NOON_MS,
    timeZone: 'Europe/Berlin',
    clockState: 'synced',
    data: { register: 'temperature', quantity: String(number), unit: '°C' },
  })
}

/** A frame that nobody understands: bytes that do not compress, and an id of its own. */
export function noise(random: Random, bytes = 4096): Event {
  return makeEvent({
    type: 'frame.rejected',
    id: newEventId(systemClock, random),
    store: STORE,
    terminal: TILL,
    wallMs: NOON_MS,
    timeZone: 'Europe/Berlin',
    clockState: 'synced',
    data: { issues: ['noise'], raw: toHex(random.bytes(bytes)), rawBytes: bytes },
  })
}

export function terminalLost(): Event {
  return makeEvent({
    type: 'terminal.lost',
    id: eventId('lost-1'),
    store: STORE,
    terminal: TILL,
    wallMs: NOON_MS,
    timeZone: 'Europe/Berlin',
    clockState: 'synced',
    data: { address: '/dev/ttyUSB0', reason: 'unplugged' },
  })
}

/** Every record that a journal holds, epoch by epoch, with the chain verified from the oldest on. */
export async function everyRecord(journal: Journal): Promise<readonly JournalRecord[]> {
  const all: JournalRecord[] = []
  let head: string | undefined
  for (const { epoch, first, last } of journal.epochs()) {
    for (let next = first; next <= last; ) {
      const slice = await journal.read({ epoch, first: next, last, maxBytes: 64 * 1024 })
      head ??= first === 1 && epoch.startsWith('1-') ? GENESIS : slice.previous
      if (slice.previous !== head) throw new Error(`chain broken before ${epoch}/${next}`)
      for (const record of slice.records) {
        if (record.header.epoch !== epoch || record.header.seq !== next)
          throw new Error(`${record.header.epoch}/${record.header.seq} where ${next} belongs`)
        head = chainHash(head, record)
        if (head !== record.hash) throw new Error(`chain broken at ${epoch}/${next}`)
        next += 1
        all.push(record)
      }
    }
  }
  return all
}

const readable = z.object({ id: z.string(), source: z.string(), data: z.unknown() })

export function jsonOf(record: JournalRecord | undefined): z.infer<typeof readable> {
  if (record?.body.type !== 'event') throw new Error('no event')
  return readable.parse(JSON.parse(Buffer.from(record.body.bytes).toString('utf8')))
}

/** Ids of the events of a type, in the order of the journal. */
export function idsOf(records: readonly JournalRecord[], type: string): readonly unknown[] {
  return records.filter(({ header }) => header.type === type).map(record => jsonOf(record).id)
}
