import t from 'tap'
import { type NumberedReceipt, receiptGaps } from '../../gateway/reconcile/receipt-gaps.js'

const of = (numbers: readonly number[], more: Partial<NumberedReceipt> = {}): NumberedReceipt[] =>
  numbers.map(number => ({ terminal: 'till-1', number, ...more }))
const missing = (receipts: readonly NumberedReceipt[]) =>
  receiptGaps(receipts).map(gap => gap.missing)

t.test('what is missing between two receipts is named, once', async t => {
  t.same(receiptGaps(of([1, 2, 6, 7])), [
    {
      terminal: 'till-1',
      after: { terminal: 'till-1', number: 2 },
      before: { terminal: 'till-1', number: 6 },
      missing: [[3, 5]],
    },
  ])
  t.same(missing(of([1, 2, 3])), [])
})

t.test('a receipt that came late, or twice, is not missing', async t => {
  t.same(missing(of([1, 2, 5, 3, 4, 6])), [])
  t.same(missing(of([1, 2, 5, 3, 6])), [[[4, 4]]])
  t.same(missing(of([1, 2, 2, 3])), [])
})

t.test('a counter that begins anew, or another till, is no gap', async t => {
  t.same(missing(of([8, 9, 1, 2])), [])
  t.same(missing([...of([8]), ...of([40], { terminal: 'till-2' }), ...of([9])]), [])
  t.same(missing(of([8, 900_000])), [])
})

t.test('over the end of a day the counter goes on, or begins anew with it', async t => {
  const [first, second] = [{ day: '2026-12-01' }, { day: '2026-12-02' }]
  t.same(missing([...of([8, 9], first), ...of([12], second)]), [[[10, 11]]])
  t.same(missing([...of([1, 2, 3], first), ...of([1, 3], second)]), [[[2, 2]]], 'of that day')
})
