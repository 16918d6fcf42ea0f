/** Whole numbers as disjoint, ascending, closed ranges; adjacent ranges are always joined. */
export type Range = readonly [first: number, last: number]
export type RangeSet = readonly Range[]

/** The set with `added` in it, too. Linear in the number of ranges, of which there are few. */
export function addRange(set: RangeSet, added: Range): RangeSet {
  const [first, last] = added
  const before = set.filter(range => range[1] < first - 1)
  const after = set.filter(range => range[0] > last + 1)
  const touching = set.slice(before.length, set.length - after.length)
  const joined: Range = [
    Math.min(first, touching[0]?.[0] ?? first),
    Math.max(last, touching.at(-1)?.[1] ?? last),
  ]
  return [...before, joined, ...after]
}

/** What of `within` the set lacks. */
export function missingRanges(set: RangeSet, within: Range): RangeSet {
  const missing: Range[] = []
  let next = within[0]
  for (const [first, last] of set) {
    if (last < next) continue
    if (first > within[1]) break
    if (first > next) missing.push([next, first - 1])
    next = last + 1
  }
  if (next <= within[1]) missing.push([next, within[1]])
  return missing
}

/** What of the set lies within it. */
export function clip(set: RangeSet, [first, last]: Range): RangeSet {
  return set
    .map(([from, to]): Range => [Math.max(from, first), Math.min(to, last)])
    .filter(([from, to]) => from <= to)
}
