import { join } from 'node:path'
import t, { type Test } from 'tap'
import { seededRandom } from '../../gateway/core/random.js'
import type { EventData } from '../../gateway/event/event.js'
import type { Ledger } from '../../gateway/hq/ledger.js'
import { reportStatements, type StatementReport } from '../../gateway/hq/statement-report.js'
import type { SigningKey } from '../../gateway/security/signature.js'
import { StatementSums } from '../../gateway/wire/statement-sums.js'
import { batchOf, continued, type Epoch, endOf, makeEpoch } from '../support/chain.js'
import { STORE, sale } from '../support/sample.js'
import { freshDirectory } from '../support/shop.js'
import { OTHER_KEY, STORE_KEY, signed } from '../support/signed.js'
import { ledgerIn } from './open.js'

type Statement = EventData<'journal.statement'>
type Change = (honest: Statement) => Statement

const sales = (count: number, from: number) =>
  Array.from({ length: count }, (_, index) => sale({ number: from + index }))

/** The epoch with a statement of all its records from `first` on, honest or as changed. */
function stated(
  epoch: Epoch,
  how: { readonly first: number; readonly change?: Change; readonly key?: SigningKey },
): Epoch {
  const { first, change = (data: Statement) => data, key = STORE_KEY } = how
  const sums = new StatementSums({ maxEntries: 99 })
  for (const { header, body } of epoch.records.slice(first - 1))
    sums.add({ header, event: body.type === 'event' ? body.bytes : undefined })
  const { epoch: id, last, head } = endOf(epoch)
  const ranges = [{ epoch: id, first, last, head }]
  const honest = { day: '2026-11-22', ranges, unreadable: [], ...sums.totals }
  const data = change({ ...honest, publicKey: '', signature: '' })
  return continued(epoch, [signed('journal.statement', withoutSignature(data), key)])
}

function withoutSignature({ publicKey: _, signature: __, ...data }: Statement) {
  return data
}

/** A day of started and sales 1 to 9 at places 1 to 10, the statement at 11. */
function day(how: { readonly change?: Change; readonly key?: SigningKey } = {}): Epoch {
  return stated(makeEpoch({ random: seededRandom(1), events: sales(9, 1) }), { first: 1, ...how })
}

async function ledgerWith(
  t: Test,
  epoch: Epoch,
  ranges: readonly (readonly [number, number])[] = [[1, epoch.records.length]],
): Promise<Ledger> {
  const ledger = await ledgerIn(join(freshDirectory(t), 'ledger'))
  t.teardown(() => ledger.close())
  for (const [first, last] of ranges) await ledger.commit(batchOf(epoch, { first, last }))
  return ledger
}

function report(ledger: Ledger, asked = '2026-11-22'): Promise<StatementReport> {
  return reportStatements(ledger, { store: STORE, day: asked })
}

t.test('an honest day is equal, sum by sum', async t => {
  const found = await report(await ledgerWith(t, day()))
  t.equal(found.isEqual, true)
  const [statement] = found.statements
  t.match(statement, { seq: 11, day: '2026-11-22', publicKey: STORE_KEY.publicKey, faults: [] })
  const both = { count: 9, sumMinor: 2250 }
  t.match(
    statement?.sums.find(sum => sum.type === 'sale.completed' && sum.method === undefined),
    { terminal: 'till-1', currency: 'EUR', stated: both, held: both },
  )
  t.same(await report(await ledgerWith(t, day()), '2026-11-21'), {
    store: STORE,
    day: '2026-11-21',
    statements: [],
    isEqual: false,
  })
})

t.test('what has not arrived yet is named, and equal once it has', async t => {
  const epoch = day()
  const ledger = await ledgerWith(t, epoch, [
    [1, 3],
    [6, 7],
    [10, 11],
  ])
  const before = await report(ledger)
  t.equal(before.isEqual, false)
  t.match(before.statements[0]?.faults, [
    /records 4 to 5 are not there/,
    /records 8 to 9 are not there/,
    'records: 10 stated, 6 held',
    /2 of 3 sums differ/,
  ])
  const sum = before.statements[0]?.sums.find(({ type }) => type === 'sale.completed')
  t.match(sum, { stated: { count: 9, sumMinor: 2250 }, held: { count: 5, sumMinor: 1250 } })
  await ledger.commit(batchOf(epoch, { first: 1, last: 11 }))
  t.equal((await report(ledger)).isEqual, true)
})

const LIES: Readonly<Record<string, { readonly change: Change; readonly fault: RegExp }>> = {
  'a sale less': {
    change: ({ entries, ...data }) => ({
      ...data,
      entries: entries.map(entry => {
        const { count, sumMinor = 0, method } = entry
        const isSales = entry.type === 'sale.completed' && method === undefined
        return isSales ? { ...entry, count: count - 1, sumMinor: sumMinor - 250 } : entry
      }),
    }),
    fault: /1 of 3 sums differ/,
  },
  'a till less': {
    change: ({ entries, ...data }) => ({ ...data, entries: entries.slice(1) }),
    fault: /1 of 3 sums differ/,
  },
  'a till that is not there': {
    change: ({ entries, ...data }) => {
      const day = '2026-11-22'
      return {
        ...data,
        entries: [...entries, { day, terminal: 'x', type: 'day.closed', count: 1 }],
      }
    },
    fault: /1 of 4 sums differ/,
  },
  'another head': {
    change: ({ ranges, ...data }) => ({
      ...data,
      ranges: ranges.map(range => ({ ...range, head: 'ab'.repeat(32) })),
    }),
    fault: /record 10 is another than was stated/,
  },
  'a range that ends earlier': {
    change: ({ ranges, ...data }) => ({
      ...data,
      ranges: ranges.map(range => ({ ...range, last: 9 })),
    }),
    fault: /record 9 is another/,
  },
  'a range without end': {
    change: ({ ranges, ...data }) => ({
      ...data,
      ranges: ranges.map(range => ({ ...range, last: Number.MAX_SAFE_INTEGER })),
    }),
    fault: /records 12 to 9007199254740991 are not there/,
  },
  'an epoch that nobody knows': {
    change: ({ ranges, ...data }) => ({
      ...data,
      ranges: [...ranges, { epoch: 'nonsense', first: 1, last: 2, head: '00'.repeat(32) }],
    }),
    fault: /epoch nonsense: records 1 to 2 are not there/,
  },
  'conflicts hidden': {
    change: data => ({ ...data, conflicts: 7 }),
    fault: /conflicts: 7 stated, 0 held/,
  },
}

for (const [name, { change, fault }] of Object.entries(LIES))
  t.test(`a statement with ${name} differs`, async t => {
    const found = await report(await ledgerWith(t, day({ change })))
    t.equal(found.isEqual, false)
    const faults = found.statements[0]?.faults ?? []
    t.ok(
      faults.some(text => fault.test(text)),
      faults.join('\n'),
    )
  })

t.test('who signed counts as much as what', async t => {
  const ledger = await ledgerWith(t, day())
  const second = stated(continued(day(), sales(3, 50)), { first: 11, key: OTHER_KEY })
  await ledger.commit(batchOf(second, { first: 12, last: second.records.length }))
  const found = await report(ledger)
  t.match(found.statements, [{ faults: [] }, { faults: [/is not the store's/] }])
  await ledger.trustKey(STORE, OTHER_KEY.publicKey)
  t.equal((await report(ledger)).isEqual, true)
  const forged = day()
  const [last] = forged.records.slice(-1)
  if (last?.body.type !== 'event') throw new Error('a statement')
  const text = Buffer.from(last.body.bytes).toString().replace('"conflicts":0', '"conflicts":1')
  const event = JSON.parse(text)
  const unsigned = continued({ ...forged, records: forged.records.slice(0, -1) }, [event])
  const other = await report(await ledgerWith(t, unsigned))
  t.match(other.statements[0]?.faults[0], /its signature is wrong/)
})

t.test('what no statement covers is named by the one after', async t => {
  const first = day()
  const second = stated(continued(first, sales(3, 50)), { first: 13 })
  const found = await report(await ledgerWith(t, second))
  t.match(found.statements, [
    { faults: [] },
    { faults: [/records 11 to 12 stand in no statement/] },
  ])
})

t.test('a statement that counts records of the one before again is named', async t => {
  const second = stated(continued(day(), sales(3, 50)), { first: 6 })
  const found = await report(await ledgerWith(t, second))
  t.match(found.statements, [{ faults: [] }, { faults: [/begins at record 6 .*, not at 11/] }])
})

t.test('what HQ holds from before the first statement is named', async t => {
  const epoch = stated(makeEpoch({ random: seededRandom(1), events: sales(9, 1) }), { first: 6 })
  const late = await ledgerWith(t, continued(epoch, sales(2, 70)))
  const found = await report(late)
  t.equal(found.isEqual, false)
  const [statement] = found.statements
  t.same(statement?.faults, [`epoch ${epoch.epoch}: records 1 to 5 stand in no statement`])
  const rest = [[6, epoch.records.length]] as const
  t.equal((await report(await ledgerWith(t, epoch, rest))).isEqual, true, 'HQ never had them')
})

t.test('so is what it holds of epochs that no statement speaks of', async t => {
  const random = seededRandom(1)
  const first = stated(makeEpoch({ random, events: sales(3, 1) }), { first: 1 })
  const second = makeEpoch({ random, ordinal: 2, after: endOf(first), events: sales(3, 50) })
  const start = makeEpoch({ random, ordinal: 3, after: endOf(second), events: sales(3, 60) })
  const ledger = await ledgerWith(t, first)
  for (const epoch of [second, stated(start, { first: 1 })])
    await ledger.commit(batchOf(epoch, { first: 1, last: epoch.records.length }))
  t.same(
    (await report(ledger)).statements.map(({ faults }) => faults),
    [
      [],
      [
        `epoch ${second.epoch}: records 1 to 4 stand in no statement`,
        `epoch ${first.epoch}: record 5 stands in no statement`,
      ],
    ],
  )
})

t.test('and of a branch that nothing continues: an old card was put back', async t => {
  const random = seededRandom(1)
  const first = makeEpoch({ random, events: sales(3, 1) })
  const lost = makeEpoch({ random, ordinal: 2, after: endOf(first), events: sales(3, 4) })
  const back = makeEpoch({ random, ordinal: 2, after: endOf(first), events: sales(2, 10) })
  const { epoch: begun, last, head } = endOf(first)
  const ended = stated(back, {
    first: 1,
    change: honest => ({
      ...honest,
      ranges: [{ epoch: begun, first: 1, last, head }, ...honest.ranges],
    }),
  })
  const ledger = await ledgerWith(t, first)
  await ledger.commit(batchOf(lost, { first: 1, last: lost.records.length }))
  await ledger.commit(batchOf(ended, { first: 1, last: ended.records.length }))
  const { isEqual, statements } = await report(ledger)
  t.notOk(isEqual)
  const aside = `epoch ${endOf(lost).epoch}: records 1 to 4 stand in no statement, and nothing`
  const faults = statements.flatMap(each => each.faults)
  t.ok(
    faults.some(fault => fault.startsWith(aside)),
    faults.join('; '),
  )
})

t.test('a sale of the day that came after its end stands in the next statement', async t => {
  const late = { ...sale({ number: 60 }), businessday: '2026-11-22' }
  const other = { ...sale({ number: 61 }), businessday: '2026-11-23' }
  const change: Change = data => ({ ...data, day: '2026-11-23' })
  const two = stated(continued(day(), [late, other]), { first: 11, change })
  const ledger = await ledgerWith(t, two)
  const found = await report(ledger)
  t.match(found.statements, [{ day: '2026-11-22' }, { day: '2026-11-23' }])
  t.equal(found.isEqual, true)
  t.equal((await report(ledger, '2026-11-23')).statements.length, 1)
})
