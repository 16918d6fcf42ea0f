import type { RangeSet } from '../../gateway/core/range-set.js'

export function containsNumber(set: RangeSet, value: number): boolean {
  return set.some(([first, last]) => first <= value && value <= last)
}
