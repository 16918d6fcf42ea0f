import { readFileSync } from 'node:fs'
import t from 'tap'
import { rfc3339, systemClock } from '../../gateway/core/clock.js'

t.test('RFC 3339 with the offset of the zone, summer and winter', async t => {
  const winter = Date.UTC(2026, 10, 22, 17, 22, 5, 123)
  const cases = [
    [winter, 'Europe/Berlin', '2026-11-22T18:22:05.123+01:00'],
    [Date.UTC(2026, 6, 1), 'Europe/Berlin', '2026-07-01T02:00:00.000+02:00'],
    [winter, 'UTC', '2026-11-22T17:22:05.123Z'],
    [Date.UTC(2026, 6, 1), 'Europe/London', '2026-07-01T01:00:00.000+01:00'],
    [winter, 'Europe/London', '2026-11-22T17:22:05.123Z'],
    [winter, 'Asia/Kolkata', '2026-11-22T22:52:05.123+05:30'],
    [winter, 'America/St_Johns', '2026-11-22T13:52:05.123-03:30'],
    [winter, 'Pacific/Kiritimati', '2026-11-23T07:22:05.123+14:00'],
    // The hour that comes twice when summer time ends, 2026-10-25 in Berlin.
    [Date.UTC(2026, 9, 25, 0, 30), 'Europe/Berlin', '2026-10-25T02:30:00.000+02:00'],
    [Date.UTC(2026, 9, 25, 1, 30), 'Europe/Berlin', '2026-10-25T02:30:00.000+01:00'],
  ] as const
  for (const [wallMs, zone, text] of cases) {
    t.equal(rfc3339(wallMs, zone), text)
    t.equal(Date.parse(rfc3339(wallMs, zone)), wallMs, 'the same instant')
  }
  t.throws(() => rfc3339(winter, 'Europe/Atlantis'), RangeError)
})

t.test('the monotonic clock is the one of the boot, and grows', async t => {
  const uptimeMs = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1000
  const first = systemClock.monotonicMs()
  t.ok(Math.abs(first - uptimeMs) < 60_000, `${first} ms, up for ${uptimeMs} ms`)
  t.ok(systemClock.monotonicMs() >= first)
})

t.test('a sleep ends with its signal, and a cancelled call never comes', async t => {
  const controller = new AbortController()
  const sleeping = systemClock.sleep(60_000, controller.signal)
  controller.abort()
  await sleeping
  await systemClock.sleep(60_000, controller.signal)
  const cancel = systemClock.after(1, () => t.fail('called back'))
  cancel()
  await new Promise<void>(resolve => {
    systemClock.after(5, resolve)
  })
  t.pass('the later one came')
})
