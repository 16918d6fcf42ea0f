import { missingRanges, type RangeSet } from '../core/range-set.js'
import { type ChainState, coverage } from './chain-state.js'

/**
 * The chain as it must be before a commit adds to it: what it covered at the newest backup point is
 * written down at the first commit behind that. So beginning a backup costs nothing, and an epoch
 * that no longer grows has one set of ranges for all points. `points`: ids, ascending.
 */
export function keepBacked(chain: ChainState, points: readonly number[]): ChainState {
  const { backed: known = [], ...rest } = chain
  const newest = points.at(-1)
  const isKept = newest === undefined || (known.at(-1)?.point ?? 0) >= newest
  const noted = isKept ? known : [...known, { point: newest, ranges: copy(coverage(chain)) }]
  const backed = noted.filter(({ point }, index) => {
    const before = noted[index - 1]?.point ?? 0
    return points.some(id => before < id && id <= point)
  })
  return backed.length === 0 ? rest : { ...rest, backed }
}

/**
 * Up to where all that is committed of the epoch stood at the point already. What is missing from
 * the ledger is in no backup either: no receipt confirms it, so its store keeps it.
 */
export function safeUpTo(chain: ChainState, point: number): number {
  const now = coverage(chain)
  const then = chain.backed?.find(backed => backed.point >= point)?.ranges ?? now
  const [since] = now.flatMap(range => missingRanges(then, range))
  return since === undefined ? (now.at(-1)?.[1] ?? 0) : since[0] - 1
}

function copy(ranges: RangeSet): [number, number][] {
  return ranges.map(([first, last]) => [first, last])
}
