import { z } from 'zod'
import { epochIdSchema } from '../core/id-schema.js'
import { type EpochId, epochOrdinal } from '../core/ids.js'
import { missingRanges, type Range, type RangeSet } from '../core/range-set.js'
import { parseJson } from '../core/schema.js'
import { type Digest, GENESIS, type JournalRecord } from '../wire/record.js'
import type { EpochState } from './epoch-state.js'
import type { EpochGap, Gap } from './gap.js'
import type { HighWaterMark } from './high-water-mark.js'

/** All that was found out of one epoch of a damaged journal. */
export interface Account {
  readonly ordinal: number
  /** Unknown where nothing of it is left but perhaps some keys. */
  readonly epoch: EpochId | undefined
  /** What the journal knew of it, where that is sound. */
  readonly state: EpochState | undefined
  /** What the high-water mark says of it. */
  readonly marked: HighWaterMark['epochs'][number] | undefined
  /** The extent that the epoch had, as far as these know. */
  readonly first: number
  readonly last: number
  readonly sound: RangeSet
  /** For each place where sound records begin: the chain hash of the record before. */
  readonly begins: ReadonlyMap<number, Digest>
  /** Its record 1. */
  readonly started: JournalRecord | undefined
  /** Gaps that its records name, of any epoch. */
  readonly names: readonly EpochGap[]
}

/** What a journal is after its recovery. */
export interface Conclusion {
  /** Oldest first. */
  readonly states: readonly EpochState[]
  readonly records: number
  /** Gaps that nobody has named yet: they stand in the states and are named with the next epoch. */
  readonly gaps: readonly EpochGap[]
  /** Lost records of epochs that have no place beside these: someone has to name them. */
  readonly strangers: readonly EpochGap[]
}

/** Where an epoch ended, in the words of what came after it. */
interface End {
  readonly last: number
  readonly head: Digest
}

/** The exact gaps of each epoch: everything between its ends that is not sound. */
export function conclude(options: {
  readonly accounts: readonly Account[]
  readonly mark: HighWaterMark | undefined
  readonly cause: string
}): Conclusion {
  const { mark, cause } = options
  // A key may have flipped: of an epoch that nobody knows there was nothing.
  const accounts = options.accounts.filter(({ epoch }) => epoch !== undefined)
  const names = accounts.flatMap(account => account.names)
  const states = accounts.flatMap((account, index): readonly EpochState[] => {
    const next = accounts[index + 1]
    const ends = endsOf(account, next, mark)
    const state = stateOf(account, { ends, names, isNewest: next === undefined, cause })
    return state === undefined ? [] : [state]
  })
  const known = new Set(states.map(({ epoch }) => epoch))
  const strangers = (mark?.epochs ?? [])
    .filter(({ epoch, first, last }) => !known.has(epoch) && first <= last)
    .filter(({ epoch }) => isAtOdds(accounts, epoch))
    .map(({ epoch, first, last }): EpochGap => ({ epoch, first, last, kind: 'tail-lost', cause }))
  return {
    states,
    records: accounts.reduce((sum, { sound }) => sum + lengthOf(sound), 0),
    gaps: states.flatMap(({ epoch, gaps = [] }) =>
      gaps.filter(({ named }) => named === undefined).map(gap => ({ ...gap, epoch })),
    ),
    strangers,
  }
}

/** The mark is of another journal than these files: both had an epoch of that ordinal. */
function isAtOdds(accounts: readonly Account[], epoch: EpochId): boolean {
  return accounts.some(account => {
    return account.ordinal === epochOrdinal(epoch) && account.epoch !== epoch
  })
}

function endsOf(
  account: Account,
  next: Account | undefined,
  mark: HighWaterMark | undefined,
): readonly End[] {
  const { epoch, marked } = account
  const isCurrent = marked !== undefined && marked === mark?.epochs.at(-1)
  const said = next?.started && previousOf(next.started)
  return [
    ...(isCurrent && mark !== undefined ? [{ last: marked.last, head: mark.head }] : []),
    ...(said !== undefined && said.epoch === epoch ? [said] : []),
  ]
}

/** What `conclude` knows of an epoch from its neighbours. */
interface Surroundings {
  readonly ends: readonly End[]
  readonly names: readonly EpochGap[]
  readonly isNewest: boolean
  readonly cause: string
}

function stateOf(account: Account, surroundings: Surroundings): EpochState | undefined {
  const { epoch, state, first, begins } = account
  const { ends, isNewest } = surroundings
  if (epoch === undefined) return undefined
  const last = ends.reduce((most, end) => Math.max(most, end.last), account.last)
  // Nothing of it is left, nor should be; the newest is what the next epoch continues.
  if (last < first && !isNewest) return undefined
  const gaps = gapsOf(account, last, surroundings)
  return {
    epoch,
    first,
    last: Math.max(last, first - 1),
    previous: begins.get(first) ?? state?.previous ?? GENESIS,
    ...(state?.receipt === undefined ? {} : { receipt: state.receipt }),
    ...(gaps.length === 0 ? {} : { gaps }),
  }
}

function gapsOf(account: Account, last: number, surroundings: Surroundings): Gap[] {
  const { ends, isNewest, cause } = surroundings
  const { epoch, first, sound, begins, state } = account
  // The name of a gap may be durable where the epoch's state does not know of it yet.
  const named = [
    ...(state?.gaps ?? []).filter(gap => gap.named !== undefined),
    ...surroundings.names.flatMap(({ epoch: of, ...gap }) => (of === epoch ? [gap] : [])),
  ]
  const highest = sound.at(-1)?.[1] ?? 0
  const lost = missingRanges(sound, [first, last]).flatMap(range => splitAt(range, named))
  return lost.map(([from, to]): Gap => {
    const kind = isNewest && from > highest ? 'tail-lost' : 'damaged'
    const before = named.find(gap => gap.first <= from && to <= gap.last)
    const { head: known, ...said } = before ?? { kind, cause }
    const end = ends.find(({ last: at }) => at === to)?.head
    const head = begins.get(to + 1) ?? end ?? (before?.last === to ? known : undefined)
    return { ...said, first: from, last: to, ...(head === undefined ? {} : { head }) }
  })
}

/** The parts of a range, each in one of these gaps or in none; where they overlap, the first. */
function splitAt(range: Range, gaps: readonly Gap[]): RangeSet {
  let free: RangeSet = [range]
  const within: Range[] = []
  for (const { first, last } of gaps) {
    const parts = free.map(([from, to]): Range => [Math.max(from, first), Math.min(to, last)])
    within.push(...parts.filter(([from, to]) => from <= to))
    free = free.flatMap(part => missingRanges([[first, last]], part))
  }
  return [...within, ...free].sort(([left], [right]) => left - right)
}

/** Loose, so that a newer gateway may say more in its first record. */
const startedEvent = z.object({
  type: z.literal('gateway.started'),
  data: z.object({
    previous: z.object({ epoch: epochIdSchema, last: z.int().min(0), head: z.string() }),
  }),
})

/** The epoch that a first record continues, and where that ended. */
function previousOf({ body }: JournalRecord): (End & { readonly epoch: EpochId }) | undefined {
  if (body.type !== 'event') return undefined
  const json = parseJson(Buffer.from(body.bytes).toString('utf8'))
  const started = startedEvent.safeParse(json.ok ? json.value : undefined)
  return started.data?.data.previous
}

function lengthOf(set: RangeSet): number {
  return set.reduce((sum, [first, last]) => sum + last - first + 1, 0)
}
