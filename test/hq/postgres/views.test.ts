import t, { type Test } from 'tap'
import { eventId, terminalId } from '../../../gateway/core/ids.js'
import { seededRandom } from '../../../gateway/core/random.js'
import type { Event, EventData } from '../../../gateway/event/event.js'
import { makeEvent } from '../../../gateway/event/make-event.js'
import type { Ledger } from '../../../gateway/hq/ledger.js'
import { batchOf, makeEpoch } from '../../support/chain.js'
import { startPostgres } from '../../support/postgres.js'
import { NOON_MS, STORE, sale, TILL } from '../../support/sample.js'
import { ledgerAt } from './open.js'

const postgres = await startPostgres()
t.teardown(() => postgres.stop())

const random = seededRandom(1)

async function opened(t: Test): Promise<{ readonly url: string; readonly ledger: Ledger }> {
  const url = await postgres.url(t.name)
  const ledger = await ledgerAt(url)
  t.teardown(() => ledger.close())
  return { url, ledger }
}

function commit(ledger: Ledger, events: readonly Event[]) {
  const epoch = makeEpoch({ random, events })
  return ledger.commit(batchOf(epoch, { first: 1, last: events.length + 1 }))
}

const common = { store: STORE, timeZone: 'Europe/Berlin', clockState: 'synced' } as const

/** A sale at some time, paid with a ten and two coins. */
function saleAt(number: number, wallMs: number): Event {
  return makeEvent({
    ...common,
    type: 'sale.completed',
    id: eventId(`sale-${number}`),
    terminal: TILL,
    wallMs,
    data: {
      receiptNumber: String(number),
      businessDay: '2026-11-22',
      currency: 'EUR',
      lineItems: [
        {
          lineNumber: 1,
          gtin: '4006381333931',
          description: 'Pen',
          quantity: '2',
          amountMinor: 398,
        },
        { lineNumber: 2, description: 'Bag', quantity: '1', amountMinor: 25, void: true },
      ],
      tenders: [
        { type: 'cash', amountMinor: 1000 },
        { type: 'voucher', amountMinor: 100 },
      ],
      changeMinor: 702,
      totalMinor: 398,
      taxIncluded: true,
    },
  })
}

t.test('sales, their lines, payments and what was taken in each hour', async t => {
  const { url, ledger } = await opened(t)
  const paid = makeEvent({
    ...common,
    type: 'payment.approved',
    id: eventId('paid-1'),
    terminal: terminalId('payment-1'),
    wallMs: NOON_MS,
    data: { amountMinor: 398, currency: 'EUR', method: 'card', maskedPan: '411111******1111' },
  })
  const hourLater = NOON_MS + 3_600_000
  const sold = [saleAt(1, NOON_MS), saleAt(2, NOON_MS + 60_000), saleAt(3, hourLater)]
  await commit(ledger, [...sold, paid])
  await postgres.query(
    url,
    `INSERT INTO tillbridge.calendars VALUES ('${STORE}', 'Europe/Berlin', '04:00')`,
  )
  const sales = await postgres.query(
    url,
    `SELECT receipt_number, total_minor, store_time::text, store_day::text, business_day::text
     FROM tillbridge.sales ORDER BY seq LIMIT 1`,
  )
  t.same(sales, [
    {
      receipt_number: '1',
      total_minor: '398',
      store_time: '2026-11-22 12:00:00',
      store_day: '2026-11-22',
      business_day: '2026-11-22',
    },
  ])
  const lines = `SELECT gtin, quantity, amount_minor, void FROM tillbridge.line_items
    WHERE receipt_number = '2' ORDER BY line_number`
  t.same(await postgres.query(url, lines), [
    { gtin: '4006381333931', quantity: '2', amount_minor: '398', void: false },
    { gtin: null, quantity: '1', amount_minor: '25', void: true },
  ])
  const hours = `SELECT to_char(hour, 'HH24') AS hour, tender, tenders, amount_minor
    FROM tillbridge.tenders_by_hour ORDER BY hour, tender`
  t.same(await postgres.query(url, hours), [
    { hour: '12', tender: 'cash', tenders: '2', amount_minor: '2000' },
    { hour: '12', tender: 'change', tenders: '2', amount_minor: '-1404' },
    { hour: '12', tender: 'voucher', tenders: '2', amount_minor: '200' },
    { hour: '13', tender: 'cash', tenders: '1', amount_minor: '1000' },
    { hour: '13', tender: 'change', tenders: '1', amount_minor: '-702' },
    { hour: '13', tender: 'voucher', tenders: '1', amount_minor: '100' },
  ])
  const payments = 'SELECT type, amount_minor, masked_pan FROM tillbridge.payments'
  t.same(await postgres.query(url, payments), [
    { type: 'payment.approved', amount_minor: '398', masked_pan: '411111******1111' },
  ])
})

t.test("a store's day begins at its cut, in its zone", async t => {
  const { url, ledger } = await opened(t)
  // 03:30 of the 23rd in Berlin: still the day before where the day is cut at four.
  await commit(ledger, [saleAt(1, Date.UTC(2026, 10, 23, 2, 30))])
  const day = 'SELECT store_day::text FROM tillbridge.sales'
  t.same(await postgres.query(url, day), [{ store_day: '2026-11-23' }], 'UTC, at midnight')
  const insert = 'INSERT INTO tillbridge.calendars VALUES'
  await postgres.query(url, `${insert} ('${STORE}', 'Europe/Berlin', '04:00')`)
  t.same(await postgres.query(url, day), [{ store_day: '2026-11-22' }])
  await t.rejects(postgres.query(url, `${insert} ('store-002', 'Mars/Base')`), /time zone/)
})

t.test('what is missing is a gap, and says why where the store knows', async t => {
  const { url, ledger } = await opened(t)
  const sales = Array.from({ length: 8 }, (_, index) => sale({ number: index + 1 }))
  const older = makeEpoch({ random, ordinal: 1, events: sales })
  const lost = older.epoch
  const gap = (first: number, last: number): Event =>
    makeEvent({
      ...common,
      type: 'journal.gap',
      id: eventId(`gap-${first}`),
      terminal: terminalId('gateway'),
      wallMs: NOON_MS,
      data: { epoch: lost, first, last, kind: 'tail-lost', cause: 'a torn log' },
    })
  const epoch = makeEpoch({ random, ordinal: 2, events: [sale({ number: 1 }), gap(8, 9)] })
  await ledger.commit(batchOf(epoch, { first: 3, last: 3 }))
  const gaps = 'SELECT epoch, first, last, cause FROM tillbridge.gaps ORDER BY epoch'
  t.same(await postgres.query(url, gaps), [
    { epoch: lost, first: '8', last: '9', cause: 'a torn log' },
    { epoch: epoch.epoch, first: '1', last: '2', cause: null },
  ])
  const state = 'SELECT store, newest_seq, records, missing FROM tillbridge.store_states'
  t.same(await postgres.query(url, state), [
    { store: STORE, newest_seq: '3', records: '1', missing: '4' },
  ])
  await ledger.commit(batchOf(epoch, { first: 1, last: 2 }))
  t.match(await postgres.query(url, gaps), [{ epoch: lost }], 'what came is no gap any more')
  await ledger.commit(batchOf(older, { first: 1, last: 8 }))
  t.same(
    await postgres.query(url, gaps),
    [{ epoch: lost, first: '9', last: '9', cause: 'a torn log' }],
    'half of what was lost was found again',
  )
  await ledger.commit(batchOf(older, { first: 9, last: 9 }))
  t.same(await postgres.query(url, gaps), [], 'and all of it')
})

t.test('an event is erased, the chain and what was confirmed stand', async t => {
  const { url, ledger } = await opened(t)
  const epoch = makeEpoch({ random, events: [sale({ number: 1 }), sale({ number: 2 })] })
  const batch = batchOf(epoch, { first: 1, last: 3 })
  await ledger.commit(batch)
  const before = await ledger.receipt(STORE)
  const source = `/stores/${STORE}/terminals/${TILL}`
  const erase = `SELECT tillbridge.erase('${STORE}', '${source}', 'sale-1', 'asked for') AS erased`
  t.same(await postgres.query(url, erase), [{ erased: 1 }])
  t.same(await postgres.query(url, erase), [{ erased: 0 }], 'nothing is left of it')
  t.same(await ledger.receipt(STORE), before)
  t.match(await ledger.rows(0, 9), [{}, { kind: 'evicted', event: undefined }, { kind: 'event' }])
  t.match(await ledger.commit(batch), { stored: 0, repeated: 3 }, 'it does not come back')
  const chain = `SELECT count(*) FROM tillbridge.rows WHERE length(digest) = 32`
  t.same(await postgres.query(url, chain), [{ count: '3' }])
  const held = `SELECT count(*) FROM tillbridge.rows WHERE event LIKE '%"sale-1"%'::bytea`
  t.same(await postgres.query(url, held), [{ count: '0' }])
  const log = 'SELECT id, reason, rows FROM tillbridge.erasures ORDER BY rows DESC LIMIT 1'
  t.same(await postgres.query(url, log), [{ id: 'sale-1', reason: 'asked for', rows: 1 }])
})

t.test('nothing that a store sends makes a view fail', async t => {
  const { url, ledger } = await opened(t)
  await commit(ledger, [sale({ number: 1 }), sale({ number: 2 })])
  const odd = [
    { time: '2026-02-30T99:00:00Z', data: { lineItems: 7, tenders: {}, totalMinor: 1.5 } },
    { time: 12, data: null, businessday: 'tomorrow?' },
    { data: [], time: 'infinity' },
    { data: { epoch: 'x', first: 9, last: 1, changeMinor: 10 ** 20, lineItems: [7] } },
    7,
  ]
  const views = ['events', 'sales', 'line_items', 'payments', 'tenders_by_hour', 'gaps']
  const read = [...views, 'store_states'].map(view => `SELECT * FROM tillbridge.${view}`)
  for (const type of ['sale.completed', 'payment.approved', 'journal.gap'])
    for (const body of odd) {
      const text = JSON.stringify(body)
      const plant = `UPDATE tillbridge.rows SET type = '${type}', body = '${text}' WHERE seq = 2`
      await t.resolves(postgres.query(url, [plant, ...read].join(';')), `${type} ${text}`)
    }
})

t.test('which till still works by the old price list', async t => {
  const { url, ledger } = await opened(t)
  const which = { document: 'prices', kind: 'prices', sha256: 'A'.repeat(43) } as const
  const received = (version: number): Event =>
    makeEvent({
      ...common,
      type: 'document.received',
      id: eventId(`received-${version}`),
      terminal: terminalId('gateway'),
      wallMs: NOON_MS,
      data: { ...which, version, bytes: 9, targets: ['till-1', 'till-2', 'till-3'] },
    })
  const applied = (terminal: string, version: number): Event =>
    makeEvent({
      ...common,
      type: 'document.applied',
      id: eventId(`applied-${terminal}-${version}`),
      terminal: terminalId(terminal),
      wallMs: NOON_MS,
      data: { ...which, version, lines: 2, refused: 0, doubtful: 0 },
    })
  const events = [received(1), applied('till-1', 1), applied('till-2', 1)]
  await commit(ledger, [...events, received(3), applied('till-1', 3)])
  const query = `SELECT terminal, version, applied_version FROM tillbridge.documents
    WHERE document = 'prices' AND NOT current ORDER BY terminal`
  t.same(await postgres.query(url, query), [
    { terminal: 'till-2', version: '3', applied_version: '1' },
    { terminal: 'till-3', version: '3', applied_version: null },
  ])
  const all = 'SELECT terminal, lines FROM tillbridge.documents WHERE current'
  t.same(await postgres.query(url, all), [{ terminal: 'till-1', lines: '2' }])
})

t.test('money of which nobody can say what became of it', async t => {
  const { url, ledger } = await opened(t)
  const at = { ...common, wallMs: NOON_MS } as const
  const unknown = { state: 'failed', reason: 'unknown' } as const
  const command = (
    id: string,
    states: readonly Pick<EventData<'gateway.command'>, 'state' | 'reason'>[],
    money: { readonly money?: true } = { money: true },
  ): readonly Event[] =>
    states.map(said => {
      const asked = { command: id, issuer: 'alice', target: 'payment-1', verb: 'authorise' }
      return makeEvent({
        ...at,
        type: 'gateway.command',
        id: eventId(`${id}-${said.state}`),
        terminal: terminalId('gateway'),
        data: { ...asked, argumentsDigest: 'ab'.repeat(32), ...money, ...said },
      })
    })
  const resolved = makeEvent({
    ...at,
    type: 'payment.resolved',
    id: eventId('resolved'),
    terminal: terminalId('payment-1'),
    data: { command: 'said', verb: 'authorise', as: 'approved', by: 'bob', note: 'receipt seen' },
  })
  const accepted = { state: 'accepted' } as const
  const begun = [accepted, { state: 'executing' }] as const
  await commit(ledger, [
    ...command('paid', [...begun, { state: 'successful' }]),
    ...command('declined', [...begun, { state: 'failed', reason: 'rejected' }]),
    ...command('not-begun', [accepted]),
    ...command('display', [...begun, unknown], {}),
    ...command('at-work', begun),
    ...command('open', [...begun, unknown]),
    ...command('said', [...begun, unknown]),
    resolved,
  ])
  const query = 'SELECT command, unknown FROM tillbridge.open_payments ORDER BY command'
  t.same(await postgres.query(url, query), [
    { command: 'at-work', unknown: false },
    { command: 'open', unknown: true },
  ])
})
