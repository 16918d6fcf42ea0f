import { cpSync } from 'node:fs'
import t, { type Test } from 'tap'
import type { Database, Operation } from '../../gateway/core/database.js'
import type { EpochId } from '../../gateway/core/ids.js'
import type { Journal } from '../../gateway/journal/journal.js'
import { recordKey } from '../../gateway/journal/keys.js'
import { openJournalDatabase } from '../../gateway/journal/open-database.js'
import { chainHash, type JournalRecord } from '../../gateway/wire/record.js'
import { jsonOf, sale } from '../support/sample.js'
import { until } from '../support/until.js'
import { journalIn, journalOver } from './open.js'

/** The open database of a journal of one epoch with these sales, which stand from record 2 on. */
async function soldOut(
  t: Test,
  sales: number,
): Promise<{ database: Database; epoch: EpochId; directory: string }> {
  const directory = t.testdir()
  const journal = await journalIn(directory)
  const { epoch } = journal
  await journal.append(Array.from({ length: sales }, (_, index) => sale({ number: index + 1 })))
  await journal.close()
  const database = await openJournalDatabase(directory)
  t.teardown(() => database.close())
  return { database, epoch, directory }
}

/** Overwrites what stands under these numbers; `del` takes them away. */
async function damage(
  database: Database,
  epoch: EpochId,
  seqs: readonly number[],
  way: 'put' | 'del' = 'put',
): Promise<void> {
  const operations = seqs.map((seq): Operation => {
    const key = recordKey({ epoch, seq })
    return way === 'del' ? { type: 'del', key } : { type: 'put', key, value: Buffer.from('x') }
  })
  await database.batch(operations, { sync: true })
}

/** What a journal says is lost, oldest first. */
async function namedGaps(journal: Journal): Promise<readonly unknown[]> {
  const named: unknown[] = []
  for (const record of await soundRecords(journal)) {
    if (record.header.type !== 'journal.gap') continue
    const { data } = jsonOf(record)
    named.push(data)
  }
  return named
}

/** All that is pending, read as the uplink does: from where the damage ends. */
async function soundRecords(journal: Journal): Promise<readonly JournalRecord[]> {
  const records: JournalRecord[] = []
  for (const { epoch } of journal.epochs()) {
    const pending = () => journal.epochs().find(known => known.epoch === epoch)?.pending ?? []
    for (let next = 1; next <= (pending().at(-1)?.[1] ?? 0); ) {
      const range = pending().find(([, last]) => last >= next)
      if (range === undefined) break
      next = Math.max(next, range[0])
      const slice = await journal
        .read({ epoch, first: next, last: range[1], maxBytes: 1e5 })
        .catch(() => undefined)
      let head = slice?.previous ?? ''
      for (const record of slice?.records ?? []) {
        head = chainHash(head, record)
        if (head !== record.hash || record.header.seq !== next) throw new Error('a broken chain')
        records.push(record)
        next += 1
      }
    }
  }
  return records
}

t.test(
  'a reader names what does not verify, exactly, and nobody is asked for it again',
  async t => {
    const { database, epoch } = await soldOut(t, 40)
    await damage(database, epoch, [5, 20, 21, 22])
    await damage(database, epoch, [23, 24, 30], 'del')
    const journal = await journalOver(database)
    const records = await soundRecords(journal)
    t.equal(records.filter(({ header }) => header.epoch === epoch).length, 41 - 7)
    const gaps = await namedGaps(journal)
    t.match(gaps, [
      { epoch, first: 5, last: 5, kind: 'damaged', cause: 'it does not verify' },
      { epoch, first: 20, last: 24 },
      { epoch, first: 30, last: 30 },
    ])
    const pending = [
      [1, 4],
      [6, 19],
      [25, 29],
      [31, 41],
    ]
    t.same(journal.epochs()[0], { epoch, first: 1, last: 41, pending })
    t.match(journal.statistics(), { backlog: 34 + 4, records: 34 + 4 })
    await t.rejects(journal.read({ epoch, first: 21, last: 30, maxBytes: 1e5 }), {
      code: 'TB_JOURNAL_UNREADABLE',
      message: `record 21 of epoch ${epoch} is lost`,
    })
    await journal.close()
    await database.open()
    const again = await journalOver(database)
    t.teardown(() => again.close())
    t.same(again.epochs()[0], { epoch, first: 1, last: 41, pending }, 'remembered')
    t.same(await namedGaps(again), gaps, 'and said once')
  },
)

t.test('trimming names what it meets, and goes past it once HQ knows', async t => {
  const { database, epoch } = await soldOut(t, 600)
  await damage(database, epoch, [300])
  await damage(database, epoch, [400, 401], 'del')
  const journal = await journalOver(database)
  t.teardown(() => journal.close())
  const said: unknown[] = []
  /** HQ never gets what is lost; that its receipts call it missing must not matter. */
  const receipt = async (known: number, missing: [number, number][] = []): Promise<void> => {
    const own = { epoch: journal.epoch, upTo: known, missing: [], safe: known }
    await journal
      .confirm([{ epoch, upTo: 601, missing, safe: 601 }, own])
      .catch(thrown => said.push(thrown))
  }
  await receipt(1)
  await until('its name', async () => (await namedGaps(journal)).length === 1)
  await until('what is before it', async () => {
    await receipt(1, [[300, 300]])
    return journal.epochs()[0]?.first === 300
  })
  await until('all', async () => {
    await receipt(3, [[300, 300]])
    return journal.epochs()[0]?.epoch !== epoch
  })
  const named = { code: 'TB_JOURNAL_UNREADABLE' }
  t.match(said, [
    { ...named, message: 'record 300 of' },
    { ...named, message: 'record 400 of' },
  ])
  for await (const _ of database.iterator({
    gte: recordKey({ epoch, seq: 0 }),
    lte: recordKey({ epoch, seq: 601 }),
  }))
    t.fail('nothing of it stays')
  t.match(journal.statistics(), { backlog: 0 })
})

t.test(
  'what another finds lost is named once; the tail that this journal never had, too',
  async t => {
    const { database, epoch } = await soldOut(t, 4)
    const journal = await journalOver(database)
    const tail = { epoch, first: 6, last: 9, kind: 'tail-lost', cause: 'HQ has them' } as const
    for (const _ of [1, 2]) await journal.nameGaps([tail])
    t.same(await namedGaps(journal), [tail])
    t.same(journal.epochs()[0], { epoch, first: 1, last: 5, pending: [[1, 5]] })
    await journal.close()
  },
)

t.test('the newest record of a running journal: what follows continues its chain', async t => {
  const directory = t.testdir()
  const database = await openJournalDatabase(directory)
  const journal = await journalOver(database)
  const { epoch } = journal
  await journal.append([1, 2, 3].map(number => sale({ number })))
  await damage(database, epoch, [3, 4])
  const first = journal.read({ epoch, first: 3, last: 4, maxBytes: 1e5 })
  await t.rejects(first, { code: 'TB_JOURNAL_UNREADABLE' })
  t.same(await journal.append([sale({ number: 9 })]), ['stored'])
  t.same(journal.epochs()[0]?.pending, [
    [1, 2],
    [5, 6],
  ])
  await journal.close()
  const again = await journalIn(directory)
  t.teardown(() => again.close())
  t.match(await namedGaps(again), [{ epoch, first: 3, last: 4, head: /^[0-9a-f]{64}$/ }])
  t.same(
    (await soundRecords(again)).map(({ header }) => header.seq),
    [1, 2, 5, 6, 1],
  )
})

t.test('in a journal of format 1 the record behind a lost one cannot prove itself', async t => {
  const directory = t.testdir()
  cpSync('test/fixtures/journal/format-1', directory, { recursive: true })
  const database = await openJournalDatabase(directory)
  const before = await journalOver(database)
  const [{ epoch } = { epoch: before.epoch }] = before.epochs()
  await before.close()
  await database.open()
  await damage(database, epoch, [5], 'del')
  const journal = await journalOver(database)
  t.teardown(() => journal.close())
  await journal.confirm([])
  t.same(
    (await soundRecords(journal))
      .filter(({ header }) => header.epoch === epoch)
      .map(({ header }) => header.seq),
    [4, 7],
  )
  t.match(await namedGaps(journal), [{ epoch, first: 5, last: 6 }])
})
