import t from 'tap'
import type { Range } from '../../gateway/core/range-set.js'
import { directReceipt } from '../../gateway/uplink/direct-receipt.js'
import { journalIn } from '../journal/open.js'
import { sale } from '../support/sample.js'

t.test('more gaps than a receipt may name: the journal opens again, nothing is lost', async t => {
  const directory = t.testdir()
  const before = await journalIn(directory)
  const { epoch } = before
  await before.append(Array.from({ length: 2080 }, (_, index) => sale({ number: index + 1 })))
  // Every second one is acknowledged, beginning with the second.
  const acknowledged = Array.from({ length: 1040 }, (_, n): Range => [2 * n + 2, 2 * n + 2])
  await before.confirm(directReceipt(before.epochs(), new Map([[epoch, acknowledged]])))
  t.equal(before.statistics().backlog, 2081 - 1000)
  await before.close()
  const journal = await journalIn(directory)
  t.teardown(() => journal.close())
  const pending = journal.epochs()[0]?.pending ?? []
  t.equal(pending.length, 1001)
  t.same(pending.slice(-2), [
    [1999, 1999],
    [2001, 2081],
  ])
})

t.test('a receipt that would not load again is refused, and nothing of it is kept', async t => {
  const directory = t.testdir()
  const before = await journalIn(directory)
  const { epoch } = before
  const missing = Array.from({ length: 1001 }, (_, n): [number, number] => [2 * n + 1, 2 * n + 1])
  await t.rejects(before.confirm([{ epoch, upTo: 2002, missing }]), TypeError)
  t.equal(before.statistics().backlog, 1)
  await before.close()
  await (await journalIn(directory)).close()
})
