import t from 'tap'
import { eventId } from '../../gateway/core/ids.js'
import { encodeEvent } from '../../gateway/event/event.js'
import { makeEvent } from '../../gateway/event/make-event.js'
import { StatementSums, type SummedRecord } from '../../gateway/wire/statement-sums.js'
import { NOON_MS, STORE, sale, TILL, terminalLost } from '../support/sample.js'

const ledger = (type: string, event: unknown): SummedRecord => ({
  header: { class: 'ledger', type },
  event: Buffer.from(JSON.stringify(event)),
})

function sold(number: number, more: Record<string, unknown> = {}, data = {}): SummedRecord {
  const event = sale({ number })
  return ledger(event.type, { ...event, ...more, data: { ...event.data, ...data } })
}

function paid(type: 'payment.approved' | 'payment.declined', amountMinor: number): SummedRecord {
  const event = makeEvent({
    type,
    id: eventId(`payment-${amountMinor}`),
    store: STORE,
    terminal: TILL,
    wallMs: NOON_MS,
    timeZone: 'Europe/Berlin',
    clockState: 'synced',
    data: { amountMinor, currency: 'EUR', method: 'card' },
  })
  return { header: { class: 'ledger', type }, event: encodeEvent(event) }
}

function totalsOf(records: readonly SummedRecord[]) {
  const sums = new StatementSums({ maxEntries: 99 })
  for (const record of records) t.ok(sums.add(record))
  return sums.totals
}

const DAY = '2026-11-22'
const base = { day: DAY, terminal: TILL }

t.test('sales by total and tender, payments by method, by day and currency', async t => {
  const { entries, records } = totalsOf([
    sold(1),
    sold(2),
    sold(3, { businessday: '2026-11-21' }),
    sold(4, {}, { currency: 'CHF' }),
    sold(5, {}, { training: true }),
    sold(6, { time: '2026-11-23T00:10:00.000+01:00' }),
    paid('payment.approved', 500),
    paid('payment.approved', -200),
    paid('payment.declined', 900),
    ledger('journal.gap', { terminal: 'gateway', time: '2026-11-22T01:00:00Z', data: {} }),
  ])
  t.equal(records, 10)
  const sale = { type: 'sale.completed', terminal: TILL }
  const both = (entry: object, count: number, sumMinor: number, currency = 'EUR') => [
    { ...entry, ...sale, count, currency, sumMinor },
    { ...entry, ...sale, count, currency, sumMinor, method: 'cash' },
  ]
  const wanted = [
    ...both({ day: '2026-11-21' }, 1, 250),
    ...both({ day: DAY }, 1, 250, 'CHF'),
    ...both({ day: DAY }, 2, 500),
    ...both({ day: DAY, mark: 'training' }, 1, 250),
    ...both({ day: '2026-11-23' }, 1, 250),
    { ...base, type: 'payment.approved', method: 'card', currency: 'EUR', count: 2, sumMinor: 300 },
    { ...base, type: 'payment.declined', method: 'card', currency: 'EUR', count: 1, sumMinor: 900 },
    { ...base, terminal: 'gateway', type: 'journal.gap', count: 1 },
  ]
  const text = (entry: object) => JSON.stringify(Object.entries(entry).sort())
  t.same(entries.map(text).sort(), wanted.map(text).sort())
})

t.test('tenders of one sale that are alike are added up, too', async t => {
  const tenders = [
    { type: 'card', amountMinor: 100 },
    { type: 'card', amountMinor: 100 },
    { type: 'cash', amountMinor: 50 },
  ]
  const { entries } = totalsOf([sold(1, {}, { tenders })])
  const of = (method?: string) => entries.find(entry => entry.method === method)
  t.match([of('card'), of('cash'), of()], [{ count: 2, sumMinor: 200 }, { count: 1 }, { count: 1 }])
})

t.test('what may be evicted is counted as a record and no more, evicted or not', async t => {
  const lost = { header: { class: 'limited', type: 'terminal.lost' } } as const
  const whole = totalsOf([{ ...lost, event: encodeEvent(terminalLost()) }])
  t.same(whole, { records: 1, entries: [], conflicts: 0, gaps: 0, possibleRepeats: 0 })
  t.same(totalsOf([{ ...lost, event: undefined }]), whole)
})

t.test('conflicts, gaps and possible repeats are counted', async t => {
  const gateway = { terminal: 'gateway', time: '2026-11-22T01:00:00Z', data: {} }
  const found = totalsOf([
    ledger('event.conflict', gateway),
    ledger('journal.gap', gateway),
    sold(1, { possiblerepeat: true }),
    ledger('what.nobody-knows', { terminal: 1 }),
  ])
  t.match(found, { records: 4, conflicts: 1, gaps: 1, possibleRepeats: 1 })
})

t.test('the order of records does not matter', async t => {
  const records = [sold(1), paid('payment.approved', 5), sold(2, {}, { currency: 'CHF' })]
  t.same(totalsOf(records.toReversed()), totalsOf(records))
})

t.test('a record that is too much is not taken, and nothing of it', async t => {
  const sums = new StatementSums({ maxEntries: 3 })
  t.ok(sums.add(sold(1)))
  const before = sums.totals
  t.notOk(sums.add(sold(2, {}, { currency: 'CHF' })), 'two entries more')
  t.same(sums.totals, before)
  t.ok(sums.add(sold(3)), 'none more')
  t.ok(sums.add(ledger('day.closed', { terminal: 'x', time: `${DAY}T01:00:00Z`, data: {} })))
  const huge = sold(4, {}, { totalMinor: Number.MAX_SAFE_INTEGER })
  t.notOk(sums.add(huge), 'the sum would not be exact')
  t.equal(sums.totals.records, 3)
})
