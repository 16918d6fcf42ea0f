import { cpSync, rmSync } from 'node:fs'
import t, { type Test } from 'tap'
import { TillbridgeError } from '../../gateway/core/errors.js'
import { terminalId } from '../../gateway/core/ids.js'
import type { CommandSink } from '../../gateway/downlink/downlink.js'
import type { Journal } from '../../gateway/journal/journal.js'
import { decodeAnswerChunk } from '../../gateway/wire/answer.js'
import type { CommandOutcome } from '../../gateway/wire/command.js'
import { journalIn } from '../journal/open.js'
import { journalWith } from '../support/faulty-journal.js'
import { everyRecord, jsonOf, NOON_MS, STORE, TILL, wallClock } from '../support/sample.js'
import { until } from '../support/until.js'
import { countingSink, openDownlink, requestOf, signed, TOPICS } from './hq.js'

/** What the gateway's clock shows: it is started before HQ issues anything. */
const now = { wallMs: NOON_MS }
const clock = { ...wallClock(now), monotonicMs: () => now.wallMs }
const DONE: CommandOutcome = { type: 'successful', values: { line: 1 } }

async function journalOf(t: Test, place = t.testdir()): Promise<Journal> {
  const journal = await journalIn(place)
  t.teardown(() => journal.close())
  return journal
}

/** Opened at noon; what it hears is issued a second later. */
const request = (id: string, changes: Parameters<typeof requestOf>[1] = {}) =>
  requestOf(id, { atMs: NOON_MS + 1000, ...changes })

async function shopWith(journal: Journal, sink: CommandSink, isSure = () => true) {
  now.wallMs = NOON_MS
  const shop = await openDownlink({ journal, sink, clock, isSure })
  now.wallMs = NOON_MS + 2000
  return shop
}

async function statesIn(journal: Journal): Promise<readonly unknown[]> {
  const records = await everyRecord(journal)
  return records
    .filter(({ header }) => header.type === 'gateway.command')
    .map(record => Object(jsonOf(record).data).state)
}

function newDeferred() {
  let resolve: (outcome: CommandOutcome) => void = () => undefined
  const promise = new Promise<CommandOutcome>(settle => {
    resolve = settle
  })
  return { promise, resolve }
}

t.test('accepted, executing, ended: each a record before it is a report', async t => {
  const journal = await journalOf(t)
  const sink = countingSink(async () => {
    t.same(await statesIn(journal), ['accepted', 'executing'], 'before it is begun')
    return DONE
  })
  const shop = await shopWith(journal, sink)
  await shop.send(request('a'))
  await until('it ended', () => shop.reports('a').length === 3)
  t.match(shop.reports('a'), [
    { state: 'accepted' },
    { state: 'executing' },
    { state: 'ended', outcome: DONE },
  ])
  t.same(await statesIn(journal), ['accepted', 'executing', 'successful'])
  t.match(shop.downlink.status, { accepted: 1, successful: 1, failed: 0, denied: 0 })
})

t.test('said again it is not done again; the first answer is given, over restarts', async t => {
  const place = t.testdir()
  const sink = countingSink(async () => DONE)
  const first = await journalIn(place)
  const before = await shopWith(first, sink)
  await Promise.all([before.send(request('a')), before.send(request('a'))])
  await before.send(request('a'))
  await until('it ended', () => before.reports('a').at(-1)?.state === 'ended')
  t.equal(before.downlink.status.repeated, 2)
  await before.downlink.stop()
  await first.close()
  const shop = await shopWith(await journalOf(t, place), sink)
  now.wallMs = NOON_MS + 3_600_000
  await shop.send(request('a'))
  t.match(shop.reports('a'), [{ state: 'ended', outcome: DONE }], 'also when it is out of date')
  t.same([...sink.runs], [['a', 1]])
})

t.test('a gateway that dies between begun and done never does it again', async t => {
  const place = t.testdir()
  const first = await journalIn(place)
  const deferred = newDeferred()
  const stuck = countingSink(() => deferred.promise)
  const before = await shopWith(first, stuck)
  await before.send(request('a'))
  await until('it runs', () => stuck.runs.has('a'))
  await first.close()
  // Of the dead process nothing is left: here its last timer is taken away.
  before.downlink.cancel('a')
  deferred.resolve(DONE)
  const journal = await journalOf(t, place)
  const sink = countingSink()
  const shop = await shopWith(journal, sink)
  await until('it ended', () => shop.reports('a').length > 0)
  t.match(shop.reports('a'), [{ state: 'ended', outcome: { reason: 'unknown' } }])
  await shop.send(request('a'))
  t.equal(sink.runs.size, 0)
  t.same(await statesIn(journal), ['accepted', 'executing', 'failed'])
})

t.test('where it can be asked what came of it, that is the answer', async t => {
  const place = t.testdir()
  const first = await journalIn(place)
  const stuck = countingSink(
    (_request, { signal }) => {
      return new Promise(resolve => {
        const cut = { type: 'failed', reason: 'unknown', detail: 'the line was lost' } as const
        signal.addEventListener('abort', () => resolve(cut))
      })
    },
    { isMoney: () => true },
  )
  const before = await shopWith(first, stuck)
  await before.send(request('a'))
  await until('it runs', () => stuck.runs.has('a'))
  await before.downlink.stop()
  await first.close()
  const deferred = newDeferred()
  // The terminal has not said yet what it is, so that nobody would know of its verbs.
  const sink = countingSink(undefined, { isMoney: () => false, ask: () => deferred.promise })
  const shop = await shopWith(await journalOf(t, place), sink)
  t.match(shop.downlink.status.open, [{ id: 'a' }])
  deferred.resolve(DONE)
  await until('it ended', () => shop.reports('a').length > 0)
  t.match(shop.reports('a'), [{ state: 'ended', outcome: DONE }])
  t.equal(sink.runs.size, 0)
})

t.test('out of date, forged, foreign, or another under its id: refused and recorded', async t => {
  const journal = await journalOf(t)
  const sink = countingSink()
  const shop = await shopWith(journal, sink)
  await shop.send(request('a'))
  await shop.send(request('a', { arguments: { text: 'other' } }))
  await shop.connection.deliver({
    topic: TOPICS.command(STORE, 'b'),
    payload: signed(request('a')),
  })
  await shop.connection.deliver({ topic: TOPICS.command(STORE, 'c'), payload: Buffer.from('x') })
  t.same(
    shop.denied.map(({ reason }) => reason),
    ['id-reused', 'foreign', 'malformed'],
  )
  await shop.send(request('late', { atMs: NOON_MS + 1, expiresAt: '2026-11-22T11:00:01.000Z' }))
  t.match(shop.reports('late'), [{ state: 'ended', outcome: { reason: 'expired' } }])
  t.same([...sink.runs.keys()], ['a'])
  t.match(shop.downlink.status, { denied: 3, expired: 1, accepted: 1 })
  t.ok((await statesIn(journal)).includes('failed'), 'the late one is on record')
})

t.test('older than this start, or of an unsure clock: only with a challenge of now', async t => {
  const sink = countingSink()
  let isSure = true
  const shop = await shopWith(await journalOf(t), sink, () => isSure)
  const older = request('a', { atMs: NOON_MS - 1000 })
  await shop.send(older)
  const { challenge } = shop.downlink.status
  t.match(shop.reports('a'), [{ state: 'challenged', challenge }])
  await shop.send({ ...older, challenge: 'ab'.repeat(16) })
  t.equal(sink.runs.size, 0, 'any word will not do')
  await shop.send({ ...older, challenge })
  await until('it runs', () => sink.runs.size === 1)
  isSure = false
  await shop.send(request('b'))
  t.match(shop.reports('b'), [{ state: 'challenged' }])
  await shop.send(request('b', { challenge }))
  await until('both ended', () => shop.reports('b').at(-1)?.state === 'ended')
  t.match(shop.downlink.status, { challenged: 3, accepted: 2, successful: 2 })
})

t.test(
  'whoever asks by MQTT 5 is answered where he says, but nowhere that means something',
  async t => {
    const shop = await shopWith(await journalOf(t), countingSink())
    const correlation = Buffer.from('77')
    const topics = { a: 'hq/app-1/replies', b: TOPICS.journal(STORE), c: '#' }
    for (const [id, topic] of Object.entries(topics))
      await shop.connection.deliver({
        topic: TOPICS.command(STORE, id),
        payload: signed(request(id)),
        reply: { topic, correlation },
      })
    await until('all ended', () => shop.downlink.status.successful === 3)
    const elsewhere = shop.connection.published.filter(({ topic }) => !topic.includes('/outcome/'))
    t.same(new Set(elsewhere.map(({ topic }) => topic)), new Set([topics.a]))
    t.equal(elsewhere.length, 3)
    for (const message of elsewhere) t.equal(message.correlation, correlation)
  },
)

t.test('a report that found no broker is given at the next connection', async t => {
  const deferred = newDeferred()
  const shop = await shopWith(
    await journalOf(t),
    countingSink(() => deferred.promise),
  )
  await shop.send(request('a'))
  await until('it runs', () => shop.reports('a').at(-1)?.state === 'executing')
  shop.connection.go()
  deferred.resolve(DONE)
  await until('it ended', () => shop.downlink.status.successful === 1)
  t.equal(shop.reports('a').at(-1)?.state, 'executing')
  shop.connection.come()
  await until('it is told', () => shop.reports('a').at(-1)?.state === 'ended')
})

t.test('a journal that takes nothing: what changes anything is not begun', async t => {
  const journal = await journalOf(t)
  let isFull = true
  const full = journalWith(journal, {
    append: (events, fragments) => {
      if (isFull) throw new TillbridgeError('TB_JOURNAL_FULL', 'no room')
      return journal.append(events, fragments)
    },
  })
  const sink = countingSink(undefined, { changes: ({ verb }) => verb !== 'ping' })
  const shop = await shopWith(full, sink)
  await shop.send(request('a'))
  t.same(shop.reports('a'), [], 'HQ says it again')
  await shop.send(request('b', { verb: 'ping' }))
  await until('the ping ended', () => shop.reports('b').at(-1)?.state === 'ended')
  await shop.send(request('b', { verb: 'ping' }))
  isFull = false
  await shop.send(request('a'))
  await until('it ended', () => shop.reports('a').at(-1)?.state === 'ended')
  t.same(
    [...sink.runs],
    [
      ['b', 1],
      ['a', 1],
    ],
  )
})

t.test('what waited for the journal until it was out of date is not begun', async t => {
  const journal = await journalOf(t)
  const slow = journalWith(journal, {
    append: async (events, fragments) => {
      const outcomes = await journal.append(events, fragments)
      now.wallMs += 20_000
      return outcomes
    },
  })
  const sink = countingSink()
  const shop = await shopWith(slow, sink)
  await shop.send(request('a', { expiresAt: '2026-11-22T11:00:40.000Z' }))
  await shop.downlink.order(request('b', { expiresAt: '2026-11-22T11:01:40.000Z' }))
  await until('both ended', () => shop.reports('b').at(-1)?.state === 'ended')
  for (const id of ['a', 'b'])
    t.match(shop.reports(id).at(-1), { state: 'ended', outcome: { reason: 'expired' } }, id)
  t.equal(sink.runs.size, 0)
  await shop.send(request('c', { expiresAt: '2026-11-22T11:10:00.000Z' }))
  await until('the third ended', () => shop.reports('c').at(-1)?.state === 'ended')
  t.same([...sink.runs.keys()], ['c'], 'one that has time is')
})

t.test('a long answer comes in pieces over a lost connection, and can be cancelled', async t => {
  const sink = countingSink(
    async (_request, { emit, signal }) => {
      for (let n = 0; !signal.aborted; n += 1) await emit(Buffer.from(`line ${n}`))
      return DONE
    },
    { changes: () => false },
  )
  const shop = await shopWith(await journalOf(t), sink)
  const chunks = () =>
    shop.connection.published
      .filter(({ topic }) => topic.startsWith(TOPICS.answer(STORE, 'a', 0).slice(0, -1)))
      .map(({ payload }) => decodeAnswerChunk(Buffer.from(payload)))
      .map(chunk => (chunk.ok ? chunk.value : undefined))
  await shop.send(request('a'))
  await until('some came', () => chunks().length > 3)
  shop.connection.go()
  const before = chunks().length
  shop.connection.come()
  await until('more came', () => chunks().length > before + 3)
  t.equal(shop.downlink.cancel('a'), undefined)
  await until('it ended', () => shop.reports('a').at(-1)?.state === 'ended')
  t.match(shop.downlink.cancel('a'), /does not run/)
  const all = chunks()
  t.same(
    all.map(chunk => chunk?.n),
    all.map((_, n) => n),
    'each once, in order',
  )
  t.equal(all.filter(chunk => chunk?.last).length, 1)
  t.equal(all.at(-1)?.last, true)
})

t.test('money moves one at a time at a terminal, and is open until it is known', async t => {
  const deferred = newDeferred()
  const sink = countingSink(() => deferred.promise, { isMoney: ({ verb }) => verb === 'authorise' })
  const shop = await shopWith(await journalOf(t), sink)
  const pay = (id: string, target = TILL) => shop.send(request(id, { verb: 'authorise', target }))
  await pay('a')
  await pay('b')
  t.match(shop.reports('b'), [{ state: 'ended', outcome: { detail: /^a is not through yet/ } }])
  await pay('c', terminalId('payment-2'))
  await shop.send(request('d', { verb: 'abort' }))
  await until('three run', () => sink.runs.size === 3)
  t.same(
    shop.downlink.status.open.map(({ id }) => id),
    ['a', 'c'],
  )
  deferred.resolve(DONE)
  await until('all ended', () => shop.downlink.status.successful === 3)
  t.same(shop.downlink.status.open, [])
  await pay('b')
  t.match(
    shop.reports('b').at(-1),
    { outcome: { reason: 'rejected' } },
    'what was refused stays so',
  )
})

t.test('a card put back to an older state: what it forgot needs a challenge of now', async t => {
  const folder = t.testdir({ data: {} })
  const [place, kept] = [`${folder}/data`, `${folder}/kept`]
  const sink = countingSink(async () => DONE)
  const open = async () => {
    const journal = await journalIn(place)
    const shop = await shopWith(journal, sink)
    const close = async () => {
      await shop.downlink.stop()
      await journal.close()
    }
    return { ...shop, journal, close }
  }
  const first = await open()
  await first.send(request('before'))
  await until('it ended', () => first.reports('before').at(-1)?.state === 'ended')
  await first.close()
  cpSync(place, kept, { recursive: true })

  const lost = await open()
  const forgotten = request('forgotten', { atMs: NOON_MS - 1000 })
  await lost.send({ ...forgotten, challenge: lost.downlink.status.challenge })
  await until('it ended', () => lost.reports('forgotten').at(-1)?.state === 'ended')
  const { epoch } = lost.journal
  await lost.close()
  rmSync(place, { recursive: true })
  cpSync(kept, place, { recursive: true })

  const shop = await open()
  t.teardown(() => shop.close())
  t.not(shop.journal.epoch, epoch)
  const said = { ...forgotten, challenge: lost.downlink.status.challenge }
  await shop.send(said)
  const { challenge } = shop.downlink.status
  t.match(shop.reports('forgotten'), [
    { state: 'challenged', challenge, epoch: shop.journal.epoch },
  ])
  await shop.send(request('before'))
  t.match(shop.reports('before'), [{ state: 'ended', outcome: DONE }], 'this one it remembers')
  t.strictSame(Object.fromEntries(sink.runs), { before: 1, forgotten: 1 })
  await shop.send({ ...forgotten, challenge })
  await until('HQ wanted it all the same', () => sink.runs.get('forgotten') === 2)
})
