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
  readonly held: Held
}): Promise<readonly string[]> {
  const { statement, before, all, held } = options
  const faults: string[] = []
  let from = before && spansOf(before).at(-1)
  for (const to of spansOf(statement)) {
    for (const span of await spansBetween(from, to, held)) {
      const open = missingRanges(coverOf(all, span.epoch), [span.first, span.last])
      for (const [first, last] of open)
        for await (const [begin, end] of runsIn(held({ epoch: span.epoch, first, last })))
          faults.push(`epoch ${span.epoch}: ${describe(begin, end)} in no statement`)
    }
    from = to
  }
  return faults
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
