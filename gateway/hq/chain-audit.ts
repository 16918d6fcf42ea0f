import { z } from 'zod'
import { epochIdSchema } from '../core/id-schema.js'
import { type EpochId, epochOrdinal, type StoreId } from '../core/ids.js'
import { missingRanges } from '../core/range-set.js'
import { parseJson } from '../core/schema.js'
import type { Batch } from '../wire/batch.js'
import { type Digest, GENESIS, type JournalRecord } from '../wire/record.js'
import { addSegment, type ChainState, coverage, type EpochEnd } from './chain-state.js'
import type { Places } from './ledger-memory.js'

/** What a commit does to a chain, and what it found wrong with it, in an operator's words. */
export interface Audit {
  readonly chain: ChainState
  readonly alarms: readonly string[]
}

/** Takes a batch into the chain of its epoch. `fresh`: its records that the ledger did not hold. */
export function auditBatch(options: {
  readonly chain: ChainState
  readonly batch: Batch
  readonly fresh: readonly JournalRecord[]
  readonly places: Places
}): Audit {
  const { batch, fresh, places } = options
  const { store, epoch, first, count } = batch.header
  const where = `store ${store}, epoch ${epoch}`
  const alarms: string[] = []
  const forked = fresh.find(({ header }) => places.has(header.seq))
  if (forked !== undefined)
    alarms.push(
      `${where}: from record ${forked.header.seq} on other records were committed before ` +
        'at the same places. The journal was restored or cloned; both are kept.',
    )
  let { chain } = options
  for (const [from, to] of missingRanges(coverage(chain), [first, first + count - 1])) {
    const segment = {
      first: from,
      last: to,
      prev: hashAt(batch, from - 1),
      head: hashAt(batch, to),
    }
    const joined = addSegment(chain, segment)
    chain = joined.state
    for (const seq of joined.breaksAfter)
      alarms.push(`${where}: the chain breaks between records ${seq} and ${seq + 1}.`)
  }
  const { end } = chain
  const newest = fresh.at(-1)
  if (end !== undefined && newest !== undefined) {
    const hashes = fresh.filter(({ header }) => header.seq === end.last).map(({ hash }) => hash)
    alarms.push(...endAlarms({ where, end, highest: newest.header.seq, hashes }))
  }
  return { chain, alarms }
}

/**
 * Compares the end that a new epoch claims for the one before it with what the ledger holds there.
 * `hashes`: of the records that it holds at the claimed last place.
 */
export function auditEnd(options: {
  readonly store: StoreId
  readonly chain: ChainState
  readonly end: EpochEnd
  readonly hashes: readonly Digest[]
}): Audit {
  const { store, chain, end, hashes } = options
  const where = `store ${store}, epoch ${chain.epoch}`
  const highest = chain.segments.at(-1)?.last ?? 0
  const alarms = endAlarms({ where, end, highest, hashes })
  if (chain.end === undefined) return { chain: { ...chain, end }, alarms }
  if (chain.end.by === end.by) return { chain, alarms }
  const forked =
    `${where}: both ${chain.end.by} and ${end.by} continue it. ` +
    'An older card was put back, or two are in use.'
  return { chain, alarms: [...alarms, forked] }
}

/** Epochs that an alarm names; the store's newest. */
const NAMED_EPOCHS = 3

/**
 * An epoch begins a journal of its own. In a store that had one before, that one was lost or put
 * aside, and with it what the store had not sent. An older root is only late: backlog comes last.
 */
export function auditRoot(options: {
  readonly store: StoreId
  readonly epoch: EpochId
  /** Of all epochs of the store that the ledger knows. */
  readonly chains: readonly ChainState[]
}): readonly string[] {
  const { store, epoch, chains } = options
  const others = chains.filter(chain => chain.epoch !== epoch)
  if (others.every(chain => epochOrdinal(chain.epoch) > epochOrdinal(epoch))) return []
  const ends = others
    .slice(-NAMED_EPOCHS)
    .map(chain => `${chain.epoch} ends at ${chain.segments.at(-1)?.last ?? 0}`)
  return [
    `store ${store}: epoch ${epoch} started a new journal without the old one; epochs ` +
      `${ends.join(', ')} here. What the old one had not sent is lost if it is not put back.`,
  ]
}

function endAlarms(options: {
  readonly where: string
  readonly end: EpochEnd
  readonly highest: number
  readonly hashes: readonly Digest[]
}): readonly string[] {
  const { where, end, highest, hashes } = options
  const lost =
    `${where}: the ledger holds record ${highest}, the store says that it ended at ${end.last}. ` +
    'The store lost its newest records, or an older card was put back.'
  const replaced = `${where}: record ${end.last} is not the one that the store continued from.`
  return [
    ...(highest > end.last ? [lost] : []),
    ...(hashes.length > 0 && !hashes.includes(end.head) ? [replaced] : []),
  ]
}

/** Loose, so that a newer gateway may say more in its first record. */
const startedEvent = z.object({
  type: z.literal('gateway.started'),
  data: z.object({
    previous: z
      .object({
        epoch: epochIdSchema,
        last: z.int().min(0),
        head: z.string().regex(/^[0-9a-f]{64}$/),
      })
      .optional(),
  }),
})

/** How an epoch says that it began. */
export interface EpochStart {
  /** The epoch before it, and where that ended. */
  readonly previous: { readonly epoch: EpochId; readonly end: EpochEnd } | undefined
  /** It begins a journal. */
  readonly isRoot: boolean
  readonly alarms: readonly string[]
}

const NOT_A_START: EpochStart = { previous: undefined, isRoot: false, alarms: [] }

/** What the first record of an epoch says, where it is among these records of the batch. */
export function readStart(batch: Batch, fresh: readonly JournalRecord[]): EpochStart {
  const [record] = fresh
  if (record?.header.seq !== 1 || record.body.type !== 'event') return NOT_A_START
  const json = parseJson(Buffer.from(record.body.bytes).toString('utf8'))
  const started = startedEvent.safeParse(json.ok ? json.value : undefined)
  if (!started.success) return NOT_A_START
  const { store, epoch, prev } = batch.header
  const { previous } = started.data.data
  const alarms =
    prev === (previous?.head ?? GENESIS)
      ? []
      : [`store ${store}, epoch ${epoch}: it does not continue the chain that it names.`]
  if (previous === undefined) return { previous, isRoot: true, alarms }
  if (previous.epoch === epoch) return { ...NOT_A_START, alarms }
  const end = { by: epoch, last: previous.last, head: previous.head }
  return { previous: { epoch: previous.epoch, end }, isRoot: false, alarms }
}

/** Chain hash at a place of the batch, or right before it. */
function hashAt(batch: Batch, seq: number): Digest {
  return batch.records[seq - batch.header.first]?.hash ?? batch.header.prev
}
