import { z } from 'zod'
import { epochIdSchema } from '../core/id-schema.js'
import { type EpochId, epochOrdinal } from '../core/ids.js'
import { addRange, missingRanges, type RangeSet } from '../core/range-set.js'
import { decodeJson } from '../core/schema.js'
import type { HeldRecord, Stated } from '../wire/statement-check.js'

/** Records of one epoch. */
interface Span {
  readonly epoch: EpochId
  readonly first: number
  readonly last: number
}

/** The records at some places, in order, as far as they are there. */
type Held = (span: Span) => AsyncIterable<HeldRecord>

/**
 * What is held of the records between the statement before and the end of this one, and stands in
 * none of `all`, in words. What comes after is the running day's.
 */
export async function findUnstated(options: {
  readonly statement: Stated
  readonly before: Stated | undefined
  readonly all: readonly Stated[]
  /** All that anything is held of. */
  readonly epochs: readonly EpochId[]
  readonly held: Held
}): Promise<readonly string[]> {
  const { statement, before, epochs, held } = options
  const stated = spansOf(statement)
  const begin = before && spansOf(before).at(-1)
  const spans: Span[] = []
  let from = begin
  for (const to of stated) {
    spans.push(...(await spansBetween(from, to, held)))
    from = to
  }
  const faults: string[] = []
  for (const span of spans)
    for await (const records of unstatedOf(span, options))
      faults.push(`epoch ${span.epoch}: ${records} in no statement`)
  const branch = new Set([...spans, ...stated].map(({ epoch }) => epoch))
  for (const epoch of besideIt(epochs, { begin, end: stated.at(-1) })) {
    if (branch.has(epoch)) continue
    const span = { epoch, first: 1, last: Number.MAX_SAFE_INTEGER }
    for await (const records of unstatedOf(span, options))
      faults.push(`epoch ${epoch}: ${records} in no statement, ${ASIDE}`)
  }
  return faults
}

const ASIDE = 'and nothing continues it: an old card was restored, or two gateways spoke'

/** Epochs that began meanwhile, whatever they continue. */
function besideIt(
  epochs: readonly EpochId[],
  between: { readonly begin: Span | undefined; readonly end: Span | undefined },
): readonly EpochId[] {
  const { begin, end } = between
  const least = begin === undefined ? 0 : epochOrdinal(begin.epoch)
  const most = end === undefined ? 0 : epochOrdinal(end.epoch)
  return epochs.filter(epoch => least < epochOrdinal(epoch) && epochOrdinal(epoch) <= most)
}

async function* unstatedOf(
  span: Span,
  { all, held }: { readonly all: readonly Stated[]; readonly held: Held },
): AsyncGenerator<string> {
  const { epoch } = span
  for (const [first, last] of missingRanges(coverOf(all, epoch), [span.first, span.last]))
    for await (const [begin, end] of runsIn(held({ epoch, first, last })))
      yield describe(begin, end)
}

/** All that a statement speaks of, in order. */
export function spansOf({ ranges, unreadable }: Stated): readonly Span[] {
  return [...ranges, ...unreadable]
    .flatMap(({ epoch, first, last }) => {
      const id = epochIdSchema.safeParse(epoch)
      return id.success ? [{ epoch: id.data, first, last }] : []
    })
    .sort(
      (one, other) =>
        epochOrdinal(one.epoch) - epochOrdinal(other.epoch) || one.first - other.first,
    )
}

/** Newest epoch first: each names in its first record the one that it continues. */
async function spansBetween(
  from: Span | undefined,
  to: Span,
  held: Held,
): Promise<readonly Span[]> {
  const beginAt = (epoch: EpochId): number => (from?.epoch === epoch ? from.last + 1 : 1)
  const spans = [{ epoch: to.epoch, first: beginAt(to.epoch), last: to.first - 1 }]
  const least = from === undefined ? 0 : epochOrdinal(from.epoch)
  for (let epoch = to.epoch; epoch !== from?.epoch; ) {
    const previous = await epochBefore(epoch, held)
    const isEarlier = previous !== undefined && epochOrdinal(previous) < epochOrdinal(epoch)
    if (!isEarlier || epochOrdinal(previous) < least) break
    spans.push({ epoch: previous, first: beginAt(previous), last: Number.MAX_SAFE_INTEGER })
    epoch = previous
  }
  return spans.filter(({ first, last }) => first <= last)
}

/** Loose, so that a newer gateway may say more in its first record. */
const started = z.object({ data: z.object({ previous: z.object({ epoch: epochIdSchema }) }) })

async function epochBefore(epoch: EpochId, held: Held): Promise<EpochId | undefined> {
  for await (const { event } of held({ epoch, first: 1, last: 1 })) {
    const read = event === undefined ? undefined : decodeJson(started, event)
    if (read?.ok) return read.value.data.previous.epoch
  }
  return undefined
}

function coverOf(all: readonly Stated[], epoch: EpochId): RangeSet {
  return all
    .flatMap(spansOf)
    .filter(span => span.epoch === epoch)
    .reduce((set: RangeSet, { first, last }) => addRange(set, [first, last]), [])
}

/** Records without a hole between them. */
async function* runsIn(
  records: AsyncIterable<HeldRecord>,
): AsyncGenerator<readonly [number, number]> {
  let run: [number, number] | undefined
  for await (const { seq } of records) {
    if (run !== undefined && seq <= run[1] + 1) run[1] = seq
    else {
      if (run !== undefined) yield run
      run = [seq, seq]
    }
  }
  if (run !== undefined) yield run
}

function describe(first: number, last: number): string {
  return first === last ? `record ${first} stands` : `records ${first} to ${last} stand`
}
