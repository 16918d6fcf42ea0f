import t, { type Test } from 'tap'
import { systemClock } from '../../gateway/core/clock.js'
import { LIMITS } from '../../gateway/core/limits.js'
import { silentLogger } from '../../gateway/core/log.js'
import { systemRandom } from '../../gateway/core/random.js'
import { FactIngest } from '../../gateway/ingest/fact-ingest.js'
import { JournalIngest } from '../../gateway/ingest/journal-ingest.js'
import type { Journal } from '../../gateway/journal/journal.js'
import type { Ingest } from '../../gateway/terminal/ingest.js'
import { receipt } from '../support/receipt.js'
import { until } from '../support/until.js'
import { type SessionUnderTest, startSession } from './shop.js'

/** Bytes a second at 115200 baud: ten bits each. */
const LINE_RATE = 11_520

/** What `workMicros` takes on the machine that the limit below is meant for. */
const REFERENCE_MICROS = 53_000

/** Processor time of a fixed piece of work, by which slow machines and busy ones are told. */
function workMicros(): number {
  const text = JSON.stringify(receipt(1))
  const before = process.cpuUsage()
  for (let round = 0; round < 20_000; round += 1) JSON.stringify(JSON.parse(text))
  const { user, system } = process.cpuUsage(before)
  return user + system
}

/** A till that sells and a line that babbles, in one shop and process. */
async function twoLines(t: Test, babbler: string) {
  let facts: FactIngest | undefined
  const limited = (journal: Journal): Ingest => {
    const ingest = new JournalIngest({ journal, logger: silentLogger })
    facts ??= new FactIngest({
      ingest,
      journal,
      clock: systemClock,
      random: systemRandom,
      clockState: () => 'synced',
      timeZone: 'UTC',
      onBabbling: () => undefined,
    })
    const through = facts
    return events => through.ingest(events)
  }
  const till = await startSession(t, { profile: 'tillbridge/reference-till', ingest: limited })
  const { journal } = till
  const broken = await startSession(t, { profile: babbler, journal, ingest: limited })
  t.teardown(() => facts?.stop())
  for (const { session } of [till, broken])
    await until('connected', () => session.status.state === 'connected')
  return { till, broken }
}

/** Sells; gives the time each took to its ACK, in milliseconds. */
async function sell(till: SessionUnderTest, from: number, count: number) {
  const took: number[] = []
  for (let number = from; number < from + count; number += 1) {
    const before = till.till.heard().length
    const startedMs = systemClock.monotonicMs()
    await till.till.send(till.dialect.encode('sale', receipt(number)))
    await until('acknowledged', () => till.till.heard().length > before)
    t.equal(till.till.heard().at(-1), 0x06)
    took.push(systemClock.monotonicMs() - startedMs)
  }
  return took.sort((one, other) => one - other)
}

const BABBLE = {
  'random bytes': (bytes: number) => systemRandom.bytes(bytes),
  'the shortest lines there are': (bytes: number) => Buffer.alloc(bytes, 'x\r'),
} as const

for (const [name, make] of Object.entries(BABBLE))
  t.test(`a scanner's line that babbles, ${name}: the till beside it sells on`, async t => {
    const { till, broken } = await twoLines(t, 'generic/aim-scanner')
    const quiet = await sell(till, 1, 10)
    workMicros() // compiles it
    const workBefore = workMicros()
    const cpuBefore = process.cpuUsage()
    // Five seconds of the line, as fast as it is read.
    const bytes = 5 * LINE_RATE
    for (let sent = 0; sent < bytes; sent += 1024) {
      await broken.till.send(make(1024))
      await systemClock.sleep(0)
    }
    // Random bytes are a scan once in a while: `]`, a letter, a digit, and what follows.
    await until('all is read', () => {
      const { framesTotal, rejectedTotal, eventsTotal } = broken.session.status
      return rejectedTotal + eventsTotal === framesTotal
    })
    const { framesTotal } = broken.session.status
    const { user, system } = process.cpuUsage(cpuBefore)
    const share = (user + system) / 1e6 / (bytes / LINE_RATE)
    t.comment(`${framesTotal} frames; ${(100 * share).toFixed(1)} % of a core at 115200 baud`)
    const slowness = (workBefore + workMicros()) / (2 * REFERENCE_MICROS)
    t.comment(`this machine takes ${slowness.toFixed(2)} times as long`)
    t.ok(share < 0.8 * slowness, 'a line leaves the processor to others')

    const stop = new AbortController()
    const babbling = (async () => {
      while (!stop.signal.aborted) {
        await broken.till.send(make(LINE_RATE / 100))
        await systemClock.sleep(10, stop.signal)
      }
    })()
    const loud = await sell(till, 100, 15)
    stop.abort()
    await babbling
    const median = (times: readonly number[]) => times[Math.floor(times.length / 2)] ?? 0
    t.comment(
      `ACK after ${median(quiet).toFixed(1)} ms, ${median(loud).toFixed(1)} ms beside the babble`,
    )
    const kept = (await till.events()).filter(({ type }) => type === 'frame.rejected').length
    t.ok(kept >= LIMITS.factBurst && kept < LIMITS.factBurst + 5, `${kept} frames kept`)
  })
