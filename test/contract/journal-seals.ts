import type { Test } from 'tap'
import { LIMITS } from '../../gateway/core/limits.js'
import type { ChainEnd, Journal } from '../../gateway/journal/journal.js'
import { everyRecord, idsOf, NOON_MS, sale } from '../support/sample.js'
import { checkpointAt, statementOf } from '../support/signed.js'
import { until } from '../support/until.js'
import type { OpenJournal } from './journal.js'

const world = () => ({ wallMs: NOON_MS, clock: 'synced' }) as const

/** What a journal keeps of events that speak of the chain itself. */
export function testSeals(t: Test, open: OpenJournal): void {
  t.test('a sealed event knows the record right before it, whoever else appends', async t => {
    const journal = await open(t.testdir(), world())
    t.teardown(() => journal.close())
    const ends: ChainEnd[] = []
    const sealed = Array.from({ length: 20 }, async (_, index) => {
      await journal.append([sale({ number: index })])
      await journal.seal(end => {
        ends.push(end)
        return checkpointAt(end)
      })
    })
    await Promise.all(sealed)
    const records = await everyRecord(journal)
    t.equal(records.length, 41)
    for (const { epoch, seq, head } of ends) {
      const [before, own] = records.slice(seq - 1, seq + 1)
      t.match([before?.header, before?.hash], [{ epoch, seq }, head])
      t.equal(own?.header.type, 'journal.checkpoint')
    }
    t.equal(new Set(idsOf(records, 'journal.checkpoint')).size, 20)
  })

  t.test('the newest signed event is remembered, also when it is trimmed', async t => {
    const place = t.testdir()
    const before = await open(place, world())
    const { epoch } = before
    t.equal(await before.newest('journal.checkpoint'), undefined)
    for (const _ of [1, 2]) await before.seal(checkpointAt)
    await before.confirm([{ epoch, upTo: 3, missing: [], safe: 3 }])
    await until('all gone', () => before.statistics().records === 0)
    const newest = await before.newest('journal.checkpoint')
    t.match(newest, { data: { epoch, seq: 2 } })
    await before.close()
    const journal = await open(place, world())
    t.teardown(() => journal.close())
    t.same(await journal.newest('journal.checkpoint'), newest)
    t.equal(await journal.newest('journal.statement'), undefined)
  })

  t.test('once there are statements, what none covers is kept, safe or not', async t => {
    const place = t.testdir()
    const before = await open(place, world())
    const old = before.epoch
    const many = LIMITS.trimSliceRecords + 50
    await before.append(Array.from({ length: many }, (_, index) => sale({ number: index })))
    await before.append([statementOf({ epoch: old, seq: many - 1 })])
    await confirmAll(before)
    await until('the stated are gone', () => before.epochs()[0]?.first === many)
    await before.close()
    const journal = await open(place, world())
    t.teardown(() => journal.close())
    await confirmAll(journal)
    await confirmAll(journal)
    const firsts = () => journal.epochs().map(({ first }) => first)
    t.same(firsts(), [many, 1], 'neither the rest of the old epoch nor the new one')
    await journal.append([statementOf({ epoch: journal.epoch, seq: 1 })])
    await confirmAll(journal)
    await until('the old epoch is gone', () => firsts().join() === '2')
  })
}

async function confirmAll(journal: Journal): Promise<void> {
  const receipts = journal.epochs().map(({ epoch, last }) => {
    return { epoch, upTo: last, missing: [], safe: last }
  })
  await journal.confirm(receipts)
}
