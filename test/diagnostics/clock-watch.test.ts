import t, { type Test } from 'tap'
import { type Clock, systemClock } from '../../gateway/core/clock.js'
import { TillbridgeError } from '../../gateway/core/errors.js'
import { silentLogger } from '../../gateway/core/log.js'
import { systemRandom } from '../../gateway/core/random.js'
import { ClockWatch } from '../../gateway/diagnostics/clock-watch.js'
import { decodeEvent, type EventOf } from '../../gateway/event/event.js'
import { JournalIngest } from '../../gateway/ingest/journal-ingest.js'
import type { Journal } from '../../gateway/journal/journal.js'
import { journalIn } from '../journal/open.js'
import { journalWith } from '../support/faulty-journal.js'
import { everyRecord, NOON_MS, STORE, sale } from '../support/sample.js'
import { until } from '../support/until.js'

const HOUR_MS = 60 * 60_000
/** A boot of ten seconds ago. */
const UP_MS = 10_000

/** A wall clock that the test sets, beside a monotonic one that nobody can. */
class World {
  wallMs = NOON_MS
  monotonicMs = UP_MS
  clock: 'synced' | 'unsure' = 'unsure'
  looks = 0

  pass(ms: number): void {
    this.wallMs += ms
    this.monotonicMs += ms
  }

  async look(): Promise<void> {
    const before = this.looks
    await until('a look', () => this.looks > before + 1)
  }

  get time(): Clock {
    return {
      ...systemClock,
      wallMs: () => this.wallMs,
      monotonicMs: () => this.monotonicMs,
      sleep: (_, signal) => {
        this.looks += 1
        return systemClock.sleep(2, signal)
      },
    }
  }
}

/** A real journal, watched. */
async function watched(t: Test, world: World, broken?: (journal: Journal) => Journal) {
  const journal = await journalIn(t.testdir(), world)
  const ingest = new JournalIngest({
    journal: broken === undefined ? journal : broken(journal),
    logger: silentLogger,
  })
  const watch = new ClockWatch({
    journal: async event => (await ingest.ingest([event])).type !== 'refused',
    store: STORE,
    timeZone: 'UTC',
    clock: world.time,
    random: systemRandom,
    clockState: () => world.clock,
    logger: silentLogger,
  })
  const stopping = new AbortController()
  const running = watch.run(stopping.signal)
  t.teardown(async () => {
    stopping.abort()
    await running
    await journal.close()
  })
  await world.look()
  const corrections = async (): Promise<readonly EventOf<'clock.corrected'>[]> =>
    (await everyRecord(journal)).flatMap(({ body }) => {
      const event = body.type === 'event' ? decodeEvent(body.bytes) : undefined
      return event?.ok && event.value.type === 'clock.corrected' ? [event.value] : []
    })
  return { journal, watch, corrections }
}

t.test('a clock that becomes sure: one record says by how much, nothing is rewritten', async t => {
  const world = new World()
  const { journal, watch, corrections } = await watched(t, world)
  await journal.append([sale({ number: 1 })])
  const before = await everyRecord(journal)
  world.pass(HOUR_MS)
  await world.look()
  t.same(await corrections(), [], 'time that passes is no jump')
  t.equal(watch.latest, undefined)
  world.wallMs += 7 * HOUR_MS
  world.clock = 'synced'
  await until('corrected', async () => (await corrections()).length > 0)
  await world.look()
  const [corrected, ...more] = await corrections()
  t.same(more, [])
  const time = new Date(NOON_MS + 8 * HOUR_MS).toISOString()
  t.match(corrected, { time, clock: 'synced', terminal: 'gateway' })
  const monotonicMs = UP_MS + HOUR_MS
  t.same(corrected?.data, { cause: 'synced', offsetMs: 7 * HOUR_MS, monotonicMs })
  t.same(watch.latest, { time, offsetMs: 7 * HOUR_MS, cause: 'synced' })
  t.same((await everyRecord(journal)).slice(0, 2), before)
})

t.test('one that was right all the time is said to be so', async t => {
  const world = new World()
  const { corrections } = await watched(t, world)
  world.wallMs += 40
  world.clock = 'synced'
  await until('corrected', async () => (await corrections()).length > 0)
  t.match(await corrections(), [{ data: { cause: 'synced', offsetMs: 40 } }])
})

t.test('each jump by more than a second is a record, sure or not, forwards or back', async t => {
  const world = new World()
  const { watch, corrections } = await watched(t, world)
  const jumps = [
    [3_600_000, 'unsure'],
    [-60_000, 'unsure'],
    [1_001, 'synced'],
    [-86_400_000, 'synced'],
  ] as const
  for (const [index, [ms, clock]] of jumps.entries()) {
    world.wallMs += ms
    world.clock = clock
    await until('corrected', async () => (await corrections()).length === index + 1)
  }
  world.wallMs += 1_000
  await world.look()
  world.clock = 'unsure'
  await world.look()
  const found = await corrections()
  t.same(
    found.map(({ clock, data }) => [clock, data.cause, data.offsetMs]),
    [
      ['unsure', 'stepped', 3_600_000],
      ['unsure', 'stepped', -60_000],
      ['synced', 'synced', 1_001],
      ['synced', 'stepped', -86_400_000],
    ],
    'neither a second nor the loss of a time service is a correction',
  )
  const sum = found.reduce((total, { data }) => total + data.offsetMs, 0)
  t.equal(world.wallMs - world.monotonicMs - 1_000, NOON_MS - UP_MS + sum, 'the offsets add up')
  t.match(watch.latest, { offsetMs: -86_400_000 })
})

t.test('a reader finds the right time of every record of the boot', async t => {
  const world = new World()
  world.wallMs = 0
  const { journal, corrections } = await watched(t, world)
  world.pass(5_000)
  await journal.append([sale({ number: 1 })])
  world.wallMs = NOON_MS
  world.clock = 'synced'
  await until('corrected', async () => (await corrections()).length > 0)
  const [corrected] = await corrections()
  const boots = (await everyRecord(journal)).map(({ header }) => header.boot)
  t.equal(new Set(boots).size, 1)
  const { monotonicMs = 0 } = corrected?.data ?? {}
  const bootedMs = Date.parse(corrected?.time ?? '') - monotonicMs
  t.equal(bootedMs, NOON_MS - UP_MS - 5_000, 'of a record: this, and its header’s monotonicMs')
})

t.test('what the journal refuses is offered again, once', async t => {
  const world = new World()
  let refusals = 3
  const { corrections } = await watched(t, world, journal =>
    journalWith(journal, {
      append: events => {
        refusals -= 1
        const failure = new TillbridgeError('TB_JOURNAL_WRITE', 'No space left on device')
        return refusals >= 0 ? Promise.reject(failure) : journal.append(events)
      },
    }),
  )
  world.wallMs += HOUR_MS
  await until('refused', () => refusals < 2)
  await until('corrected', async () => (await corrections()).length > 0)
  await world.look()
  t.match(await corrections(), { length: 1, 0: { data: { offsetMs: HOUR_MS } } })
})
