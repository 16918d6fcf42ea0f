import { createHash } from 'node:crypto'
import t, { type Test } from 'tap'
import { TillbridgeError } from '../../gateway/core/errors.js'
import { type TerminalId, terminalId } from '../../gateway/core/ids.js'
import { LIMITS } from '../../gateway/core/limits.js'
import { silentLogger } from '../../gateway/core/log.js'
import { systemRandom } from '../../gateway/core/random.js'
import { dataDigest, decodeEvent, type Event } from '../../gateway/event/event.js'
import { FactIngest } from '../../gateway/ingest/fact-ingest.js'
import { JournalIngest } from '../../gateway/ingest/journal-ingest.js'
import type { Journal } from '../../gateway/journal/journal.js'
import { journalIn } from '../journal/open.js'
import { journalWith } from '../support/faulty-journal.js'
import { everyRecord, noise, reading, sale, TILL } from '../support/sample.js'
import { steppedClock } from '../support/stepped-clock.js'
import { until } from '../support/until.js'

async function shop(t: Test) {
  const time = steppedClock()
  const journal = await journalIn(t.testdir())
  t.teardown(() => journal.close())
  const world: { refusal: 'TB_JOURNAL_LOW' | 'TB_JOURNAL_FULL' | undefined } = {
    refusal: undefined,
  }
  const ingest = new JournalIngest({
    journal: journalWith(journal, {
      append: async events => {
        const isMoney = events.some(({ type }) => type === 'sale.completed')
        if (world.refusal === 'TB_JOURNAL_FULL' || (world.refusal !== undefined && !isMoney))
          throw new TillbridgeError(world.refusal, 'no room')
        return journal.append(events)
      },
    }),
    logger: silentLogger,
  })
  const babbling: (readonly TerminalId[])[] = []
  const facts = new FactIngest({
    ingest,
    journal,
    clock: time.clock,
    random: systemRandom,
    clockState: () => 'synced',
    timeZone: 'UTC',
    onBabbling: terminals => babbling.push(terminals),
  })
  const say = async (event: Event): Promise<string> => (await facts.ingest([event])).type
  return { time, journal, world, facts, babbling, say }
}

async function eventsOf(journal: Journal, type: string): Promise<readonly Event[]> {
  const records = (await everyRecord(journal)).filter(({ header }) => header.type === type)
  return records.flatMap(({ body }) => {
    const event = body.type === 'event' ? decodeEvent(body.bytes) : undefined
    if (!event?.ok) throw new Error('no event')
    return [event.value]
  })
}

t.test('what a broken line says is kept up to a rate, then counted; money never is', async t => {
  const { time, journal, babbling, say } = await shop(t)
  const said: string[] = []
  const counted: Event[] = []
  for (let number = 1; number <= LIMITS.factBurst + 40; number += 1) {
    const event = noise(systemRandom)
    const outcome = await say(event)
    said.push(outcome)
    if (outcome === 'summarised') counted.push(event)
    t.equal(await say(sale({ number })), 'journaled')
  }
  t.same(said, [
    ...Array.from({ length: LIMITS.factBurst }, () => 'journaled'),
    ...Array.from({ length: 40 }, () => 'summarised'),
  ])
  t.same(babbling, [[TILL]])
  time.step(LIMITS.factSummaryMs)
  await until('a summary', async () => (await eventsOf(journal, 'event.summarised')).length === 1)
  const [summary] = await eventsOf(journal, 'event.summarised')
  const hash = createHash('sha256')
  for (const event of counted) hash.update(dataDigest(event), 'hex')
  t.match(summary, {
    terminal: TILL,
    data: {
      type: 'frame.rejected',
      count: 40,
      digest: hash.digest('hex'),
      first: counted[0]?.time,
      last: counted.at(-1)?.time,
    },
  })
  t.equal(await say(noise(systemRandom)), 'journaled', 'it has been quiet for long enough')
  time.step(LIMITS.factSummaryMs)
  await until('the line is quiet again', () => babbling.length === 2)
  t.same(babbling.at(-1), [])
  t.equal((await eventsOf(journal, 'event.summarised')).length, 1)
})

t.test('each terminal and each type has a rate of its own', async t => {
  const { babbling, say } = await shop(t)
  const other = { terminal: terminalId('till-2'), source: '/stores/store-001/terminals/till-2' }
  for (let count = 0; count <= LIMITS.factBurst; count += 1) await say(noise(systemRandom))
  t.equal(await say({ ...noise(systemRandom), ...other }), 'journaled')
  t.same(babbling, [[TILL]])
})

t.test('a slow babbler fills its share of the journal, until HQ has what it said', async t => {
  const { time, journal, say } = await shop(t)
  const bytes = 30_000
  const kept = Math.ceil(LIMITS.factBytes / (2 * bytes))
  let outcome = ''
  let count = 0
  for (; outcome !== 'summarised' && count < 2 * kept; count += 1) {
    time.step(LIMITS.factEveryMs)
    outcome = await say(noise(systemRandom, bytes))
  }
  t.ok(count > kept * 0.9 && count <= kept + 1, `${count} frames`)
  const { epoch } = journal
  const last = () => journal.epochs().at(-1)?.last ?? 0
  await journal.confirm([{ epoch, upTo: last(), missing: [[2, 2]] }])
  t.equal(await say(noise(systemRandom)), 'summarised', 'the first of them is not confirmed')
  await journal.confirm([{ epoch, upTo: last(), missing: [] }])
  t.equal(await say(noise(systemRandom)), 'journaled')
})

t.test('where only money has room, all else is counted and its terminal goes on', async t => {
  const { time, journal, world, babbling, say } = await shop(t)
  world.refusal = 'TB_JOURNAL_LOW'
  t.equal(await say(reading(1)), 'summarised')
  t.equal(await say(noise(systemRandom)), 'summarised')
  t.equal(await say(sale({ number: 1 })), 'journaled')
  time.step(LIMITS.factSummaryMs)
  await say(reading(2))
  world.refusal = undefined
  time.step(LIMITS.factSummaryMs)
  const summaries = () => eventsOf(journal, 'event.summarised')
  await until('both are said', async () => (await summaries()).length === 2)
  t.same((await summaries()).map(({ data }) => 'count' in data && [data.type, data.count]).sort(), [
    ['frame.rejected', 1],
    ['reading.taken', 2],
  ])
  t.same(babbling, [], 'no line is to blame')
})

t.test('where nothing has room nothing is counted: the terminal keeps it', async t => {
  const { journal, world, facts, say } = await shop(t)
  world.refusal = 'TB_JOURNAL_FULL'
  t.equal(await say(noise(systemRandom)), 'refused')
  t.equal(await say(sale({ number: 1 })), 'refused')
  world.refusal = undefined
  await facts.stop()
  t.same(await eventsOf(journal, 'event.summarised'), [])
})

t.test('a gateway that stops says what it counted', async t => {
  const { journal, facts, say } = await shop(t)
  const many = LIMITS.factBurst + 7
  for (let count = 0; count < many; count += 1) await say(noise(systemRandom))
  await facts.stop()
  const [summary] = await eventsOf(journal, 'event.summarised')
  t.match(summary?.data, { count: many - LIMITS.factBurst })
})
