import t, { type Test } from 'tap'
import { TillbridgeError } from '../../gateway/core/errors.js'
import { CommandMemory } from '../../gateway/downlink/command-memory.js'
import type { CommandSink } from '../../gateway/downlink/downlink.js'
import type { Journal } from '../../gateway/journal/journal.js'
import type { CommandOutcome } from '../../gateway/wire/command.js'
import { journalIn } from '../journal/open.js'
import { journalWith } from '../support/faulty-journal.js'
import { everyRecord, jsonOf, NOON_MS, wallClock } from '../support/sample.js'
import { until } from '../support/until.js'
import { countingSink, openDownlink, requestOf } from './hq.js'

const now = { wallMs: NOON_MS }
const clock = { ...wallClock(now), monotonicMs: () => now.wallMs }
const UNKNOWN: CommandOutcome = { type: 'failed', reason: 'unknown', detail: 'nobody knows' }
const SAID = { by: 'bob', note: 'the receipt is in the drawer' }

const payment = (id: string, amountMinor = 1250) =>
  requestOf(id, { atMs: now.wallMs, verb: 'authorise', arguments: { amountMinor } })

async function shopWith(journal: Journal, sink: CommandSink) {
  const shop = await openDownlink({ journal, sink, clock })
  now.wallMs += 1000
  const ended = (id: string) =>
    until(`${id} ended`, () => shop.reports(id).at(-1)?.state === 'ended')
  return { ...shop, ended }
}

const mute = () => countingSink(async () => UNKNOWN, { isMoney: () => true })

async function closed(t: Test, journal: Journal): Promise<void> {
  t.teardown(() => journal.close())
}

t.test('what nobody knows stays open, over its expiry and a restart, until it is said', async t => {
  const place = t.testdir()
  const first = await journalIn(place)
  const before = await shopWith(first, mute())
  await before.send(payment('a'))
  await before.ended('a')
  t.match(before.reports('a').at(-1), { outcome: { reason: 'unknown' } })
  const open = { id: 'a', verb: 'authorise', amountMinor: 1250, state: 'unknown' }
  t.match(before.downlink.status.open, [open])
  await before.downlink.stop()
  await first.close()

  now.wallMs += 24 * 3_600_000
  const journal = await journalIn(place)
  await closed(t, journal)
  const shop = await shopWith(journal, mute())
  t.strictSame(shop.doubts, [['a']], 'the next start says so')
  await shop.send(payment('b'))
  t.match(shop.reports('b'), [{ outcome: { reason: 'rejected', detail: /^nobody knows .* a:/ } }])
  now.wallMs += 120_000
  await shop.send(payment('c', 99))
  await shop.ended('c')
  t.match(
    shop.downlink.status.open,
    [open, { id: 'c', amountMinor: 99 }],
    'another amount is another payment',
  )
  t.match(await shop.downlink.resolve({ ...SAID, intent: 'a', as: 'approved' }), {
    type: 'successful',
    values: { verb: 'authorise' },
  })
  t.match(shop.reports('a').at(-1), { outcome: { values: { resolvedBy: 'bob' } } })
  t.match(await shop.downlink.resolve({ ...SAID, intent: 'c', as: 'reversed' }), DONE)
  t.match(shop.reports('c').at(-1), { outcome: { detail: /^reversed, says bob: the receipt/ } })
  t.strictSame(shop.downlink.status.open, [])
  t.strictSame(shop.doubts.at(-1), [])
  const resolved = (await everyRecord(journal)).filter(
    ({ header }) => header.type === 'payment.resolved',
  )
  t.match(
    resolved.map(record => jsonOf(record).data),
    [
      { ...SAID, command: 'a', verb: 'authorise', as: 'approved' },
      { ...SAID, command: 'c', as: 'reversed' },
    ],
  )
})

const DONE = { type: 'successful' } as const

t.test('what is resolved is so after a restart, and what is no open payment cannot be', async t => {
  const place = t.testdir()
  const first = await journalIn(place)
  const before = await shopWith(first, mute())
  const said = payment('a')
  await before.send(said)
  await before.ended('a')
  await before.downlink.resolve({ ...SAID, intent: 'a', as: 'declined' })
  const again = await before.downlink.resolve({ ...SAID, intent: 'a', as: 'approved' })
  t.match(again, { reason: 'rejected', detail: /no open payment/ }, 'it is said once')
  const stranger = await before.downlink.resolve({ ...SAID, intent: 'x', as: 'approved' })
  t.match(stranger, { reason: 'rejected', detail: /no open payment/ })
  await before.downlink.stop()
  await first.close()
  const journal = await journalIn(place)
  await closed(t, journal)
  const sink = mute()
  const shop = await shopWith(journal, sink)
  await shop.send(said)
  t.match(shop.reports('a'), [{ outcome: { reason: 'rejected', detail: /^declined, says bob/ } }])
  t.equal(sink.runs.size, 0)
})

t.test('a terminal that is asked is asked no more; one at work is let work', async t => {
  const journal = await journalIn(t.testdir())
  await closed(t, journal)
  let fallSilent: (outcome: CommandOutcome) => void = () => undefined
  const sink = countingSink(
    () =>
      new Promise(resolve => {
        fallSilent = resolve
      }),
    {
      isMoney: () => true,
      ask: (_request, { signal }) =>
        new Promise(resolve => signal.addEventListener('abort', () => resolve(UNKNOWN))),
    },
  )
  const shop = await shopWith(journal, sink)
  await shop.send(payment('a'))
  await until('it runs', () => sink.runs.has('a'))
  t.match(shop.downlink.status.open, [{ id: 'a', state: 'running' }])
  t.match(await shop.downlink.resolve({ ...SAID, intent: 'a', as: 'approved' }), {
    reason: 'rejected',
    detail: /under way/,
  })
  fallSilent(UNKNOWN)
  await until('it is asked', () => shop.downlink.status.open[0]?.state === 'unknown')
  t.match(await shop.downlink.resolve({ ...SAID, intent: 'a', as: 'approved' }), DONE)
  t.match(shop.reports('a').at(-1), { outcome: { type: 'successful' } })
  t.strictSame(shop.downlink.status.open, [])
})

t.test('what the terminal says while somebody resolves it counts more', async t => {
  const journal = await journalIn(t.testdir())
  await closed(t, journal)
  const paid: CommandOutcome = { type: 'successful', values: { receiptNumber: '7' } }
  const sink = countingSink(async () => UNKNOWN, {
    isMoney: () => true,
    ask: (_request, { signal }) =>
      new Promise(resolve => signal.addEventListener('abort', () => resolve(paid))),
  })
  const shop = await shopWith(journal, sink)
  await shop.send(payment('a'))
  await until('it is asked', () => shop.downlink.status.open[0]?.state === 'unknown')
  const outcome = await shop.downlink.resolve({ ...SAID, intent: 'a', as: 'declined' })
  t.match(outcome, { reason: 'rejected', detail: /no open payment/ })
  t.match(shop.reports('a').at(-1), { outcome: paid })
})

/** Its terminal is asked until somebody ends that. */
function silent() {
  return countingSink(async () => UNKNOWN, {
    isMoney: () => true,
    ask: (_request, { signal }) =>
      new Promise(resolve => signal.addEventListener('abort', () => resolve(UNKNOWN))),
  })
}

t.test('a payment is not cancelled: its terminal goes on being asked', async t => {
  const journal = await journalIn(t.testdir())
  await closed(t, journal)
  const shop = await shopWith(journal, silent())
  await shop.send(payment('a'))
  await until('it is asked', () => shop.downlink.status.open[0]?.state === 'unknown')
  t.match(shop.downlink.cancel('a'), /payment-resolve/)
  t.not(shop.reports('a').at(-1)?.state, 'ended')
})

t.test('what the disk does not take is not resolved, and its terminal is asked again', async t => {
  const place = t.testdir()
  const real = await journalIn(place)
  let isFull = false
  const full = journalWith(real, {
    append: async (events, change) => {
      if (isFull) throw new TillbridgeError('TB_JOURNAL_FULL', 'full')
      return real.append(events, change)
    },
  })
  const shop = await shopWith(full, silent())
  await shop.send(payment('a'))
  await until('it is asked', () => shop.downlink.status.open[0]?.state === 'unknown')
  isFull = true
  const refused = await shop.downlink.resolve({ ...SAID, intent: 'a', as: 'declined' })
  t.match(refused, { reason: 'rejected', detail: /journal takes nothing/ })
  await until('it is asked again', () => shop.downlink.status.open[0]?.state === 'unknown')
  isFull = false
  await shop.downlink.stop()
  await real.close()

  const journal = await journalIn(place)
  await closed(t, journal)
  let asked = 0
  const sink = countingSink(async () => UNKNOWN, {
    isMoney: () => true,
    ask: async () => {
      asked += 1
      return { type: 'successful', values: {} }
    },
  })
  const next = await shopWith(journal, sink)
  await next.ended('a')
  t.equal(asked, 1, 'and by the next start')
})

t.test('another receipt is another reversal', async t => {
  const journal = await journalIn(t.testdir())
  await closed(t, journal)
  const shop = await shopWith(journal, mute())
  const reversal = (id: string, receiptNumber: string) =>
    requestOf(id, { atMs: now.wallMs, verb: 'reverse', arguments: { receiptNumber } })
  for (const [id, receiptNumber] of [
    ['a', '5'],
    ['b', '6'],
    ['c', '5'],
  ] as const) {
    await shop.send(reversal(id, receiptNumber))
    await shop.ended(id)
  }
  const reasons = ['a', 'b', 'c'].map(id => shop.reports(id).at(-1))
  t.match(reasons, [
    { outcome: { reason: 'unknown' } },
    { outcome: { reason: 'unknown' } },
    { outcome: { reason: 'rejected', detail: /what came of a:/ } },
  ])
})

t.test('one that turns out to move money before it begins is not begun', async t => {
  const journal = await journalIn(t.testdir())
  await closed(t, journal)
  let isKnown = false
  const sink = countingSink(async () => UNKNOWN, {
    isMoney: () => {
      const now = isKnown
      isKnown = true
      return now
    },
  })
  const shop = await shopWith(journal, sink)
  await shop.send(payment('a'))
  await shop.ended('a')
  t.match(shop.reports('a').at(-1), { outcome: { reason: 'rejected', detail: /identified/ } })
  t.equal(sink.runs.size, 0)
})

t.test('a journal tells whether any command is remembered', async t => {
  const journal = await journalIn(t.testdir())
  await closed(t, journal)
  t.notOk(await CommandMemory.isThere(journal))
  const shop = await shopWith(journal, mute())
  await shop.send(payment('a'))
  await shop.ended('a')
  t.ok(await CommandMemory.isThere(journal))
})
