import { addRange, missingRanges, type Range, type RangeSet } from '../core/range-set.js'

/** A receipt of a till by the till's own counter. */
export interface NumberedReceipt {
  readonly terminal: string
  /** The till's business day, where it says one: a counter may begin anew with it. */
  readonly day?: string
  readonly number: number
}

/** Numbers that a till skipped, or whose receipts never came. */
export interface ReceiptGap {
  readonly terminal: string
  /** The receipts right before and behind it. */
  readonly after: NumberedReceipt
  readonly before: NumberedReceipt
  /** Ascending. */
  readonly missing: RangeSet
}

/** A longer step is another counter: a till was replaced, or its number set. */
const LONGEST_GAP = 10_000
/** Gaps that a late receipt is looked for in. */
const STEPS_BEFORE = 100

/**
 * What is missing in the counters of tills, each till's receipts in the order in which it made
 * them, as far as that is known: a number that came late, or twice, is none that is missing. A
 * counter that begins anew is no gap.
 */
export function receiptGaps(receipts: Iterable<NumberedReceipt>): readonly ReceiptGap[] {
  const tills = new Map<string, NumberedReceipt>()
  const seen = new Map<string, RangeSet>()
  const steps: Step[] = []
  for (const receipt of receipts) {
    const { terminal, number } = receipt
    const key = counterOf(receipt)
    seen.set(key, addRange(seen.get(key) ?? [], [number, number]))
    const last = tills.get(terminal)
    if (last !== undefined && number < last.number && isLate(receipt, steps)) continue
    if (last !== undefined && number > last.number + 1 && number - last.number <= LONGEST_GAP)
      steps.push({ after: last, before: receipt })
    tills.set(terminal, receipt)
  }
  return steps.flatMap(({ after, before }) => {
    const within: Range = [after.number + 1, before.number - 1]
    const known = [after, before].flatMap(receipt => seen.get(counterOf(receipt)) ?? [])
    const missing = missingRanges(
      known.reduce((set: RangeSet, range) => addRange(set, range), []),
      within,
    )
    return missing.length === 0 ? [] : [{ terminal: after.terminal, after, before, missing }]
  })
}

interface Step {
  readonly after: NumberedReceipt
  readonly before: NumberedReceipt
}

/** Whether it closes a gap of before; otherwise the counter began anew. */
function isLate({ terminal, number }: NumberedReceipt, steps: readonly Step[]): boolean {
  return steps
    .slice(-STEPS_BEFORE)
    .some(
      ({ after, before }) =>
        after.terminal === terminal && after.number < number && number < before.number,
    )
}

function counterOf({ terminal, day = '' }: NumberedReceipt): string {
  return `${terminal} ${day}`
}
