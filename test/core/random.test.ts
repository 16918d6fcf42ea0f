import t from 'tap'
import { seededRandom, systemRandom } from '../../gateway/core/random.js'
import { RetrySchedule } from '../../gateway/core/retry-schedule.js'
import { newRandom } from '../support/sample.js'

t.test('the seeded generator is SplitMix64', async t => {
  // First outputs for seed 1234567, as Rosetta Code lists them ("Pseudo-random numbers/Splitmix64").
  const published = [6457827717110365317n, 3203168211198807973n, 9817491932198370423n]
  const random = seededRandom(1234567)
  t.same(
    published.map(() => random.unit()),
    published.map(value => Number(value >> 11n) / 2 ** 53),
  )
  const bytes = seededRandom(1234567).bytes(3)
  t.same(
    [...bytes],
    published.map(value => Number(value >> 56n)),
  )
})

t.test('units lie in [0, 1) and bytes are as many as asked for', async t => {
  for (const random of [systemRandom, newRandom(t)]) {
    const units = Array.from({ length: 1000 }, () => random.unit())
    t.ok(units.every(unit => unit >= 0 && unit < 1))
    t.ok(new Set(units).size > 990)
    t.same(
      [0, 1, 16].map(count => random.bytes(count).length),
      [0, 1, 16],
    )
  }
})

t.test('waits grow to their bound, spread out, and start over after a success', async t => {
  const schedule = new RetrySchedule({ firstMs: 1000, maxMs: 30_000, random: newRandom(t) })
  for (const ceilingMs of [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]) {
    const waitMs = schedule.nextMs()
    t.ok(waitMs >= 500 && waitMs <= ceilingMs, `${waitMs} of ${ceilingMs}`)
  }
  schedule.reset()
  t.ok(schedule.nextMs() <= 1000)
  for (let attempt = 0; attempt < 3000; attempt += 1) schedule.nextMs()
  t.ok(schedule.nextMs() <= 30_000, 'after a night of attempts')
  const extremes = [0, 1 - 2 ** -53].map(unit => {
    const random = { bytes: () => new Uint8Array(), unit: () => unit }
    return new RetrySchedule({ firstMs: 1000, maxMs: 1000, random }).nextMs()
  })
  t.same(extremes, [500, 1000], 'full jitter between the bounds')
})
