import t from 'tap'
import { terminalId } from '../../gateway/core/ids.js'
import { Journey } from '../../gateway/diagnostics/journey.js'
import { type Search, whereIs } from '../../gateway/diagnostics/where-is.js'
import { journalIn } from '../journal/open.js'
import { NOON_MS, reading, sale, wallClock } from '../support/sample.js'
import { freshDirectory } from '../support/shop.js'

t.test('where a receipt is: captured, journaled, sent, committed', async t => {
  const directory = freshDirectory(t)
  const before = await journalIn(directory)
  await before.append([sale({ number: 1234, terminal: terminalId('till-8') })])
  await before.close()
  const world = { wallMs: NOON_MS, clock: 'synced' } as const
  const journal = await journalIn(directory, world)
  t.teardown(() => journal.close())
  await journal.append(Array.from({ length: 700 }, (_, index) => reading(index)))
  await journal.append([sale({ number: 1234, totalMinor: 999 }), sale({ number: 12_345 })])
  const seq = journal.end.seq - 1
  const clock = wallClock(world)
  const journey = new Journey(clock)
  const search: Search = {
    journal,
    journey,
    clock,
    bootId: 'boot-1',
    signal: new AbortController().signal,
  }
  const both = await whereIs({ text: '1234' }, search)
  t.match(both, [
    { terminal: 'till-1', seq, epoch: journal.epoch, isCommitted: false, type: 'sale.completed' },
    { terminal: 'till-8', seq: 2, isCommitted: false },
  ])
  const noon = '2026-11-22T11:00:00.000Z'
  t.match(both[0]?.journaled, /^2026-11-22T1(0:59|1:00)/, 'on this boot the time is known')
  t.notOk('sent' in (both[0] ?? {}))
  journey.sent({ epoch: journal.epoch, first: 1, last: seq + 1 })
  const receipt = { epoch: journal.epoch, upTo: seq, missing: [] }
  journey.confirmed([receipt])
  await journal.confirm([receipt])
  const [now] = await whereIs({ text: '1234', terminal: 'till-1' }, search)
  t.match(now, { sent: noon, isCommitted: true, committed: noon })
  t.same(await whereIs({ text: '123' }, search), [], 'whole numbers alone')
  t.match(await whereIs({ text: 'sale-12345' }, search), [{ isCommitted: false }], 'by its id')
  const other = { ...search, bootId: 'boot-2' }
  t.notOk('journaled' in ((await whereIs({ text: '1234' }, other))[0] ?? {}), 'of another boot')
})
