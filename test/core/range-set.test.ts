import t from 'tap'
import { addRange, clip, missingRanges, type RangeSet } from '../../gateway/core/range-set.js'
import { containsNumber } from '../support/range-set.js'
import { below, newRandom } from '../support/sample.js'

const SPACE = 40

/** The ranges that numbers make, found the slow way. */
function rangesOf(has: (value: number) => boolean): RangeSet {
  const ranges: [number, number][] = []
  for (let value = 0; value < SPACE; value += 1) {
    const last = ranges.at(-1)
    if (!has(value)) continue
    if (last?.[1] === value - 1) last[1] = value
    else ranges.push([value, value])
  }
  return ranges
}

t.test('a range set is the set of its numbers', async t => {
  const random = newRandom(t)
  for (let round = 0; round < 300; round += 1) {
    let set: RangeSet = []
    const numbers = new Set<number>()
    for (let step = 0; step < 8; step += 1) {
      const first = below(random, SPACE)
      const last = Math.min(SPACE - 1, first + below(random, 6))
      set = addRange(set, [first, last])
      for (let value = first; value <= last; value += 1) numbers.add(value)
      const from = below(random, SPACE)
      const to = from + below(random, SPACE - from)
      const isMissing = (value: number): boolean =>
        from <= value && value <= to && !numbers.has(value)
      const isWithin = (value: number): boolean =>
        from <= value && value <= to && numbers.has(value)
      const sound =
        JSON.stringify(set) === JSON.stringify(rangesOf(value => numbers.has(value))) &&
        JSON.stringify(missingRanges(set, [from, to])) === JSON.stringify(rangesOf(isMissing)) &&
        JSON.stringify(clip(set, [from, to])) === JSON.stringify(rangesOf(isWithin)) &&
        [...Array(SPACE).keys()].every(value => containsNumber(set, value) === numbers.has(value))
      if (!sound) t.fail(JSON.stringify({ set, first, last, from, to }))
    }
  }
  t.same(missingRanges([[1, 5]], [3, 2]), [], 'nothing is missing of nothing')
})
