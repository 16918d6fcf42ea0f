import t from 'tap'
import { localToRfc3339 } from '../../gateway/profile/local-time.js'

t.test('a printed local time with the offset of that day', async t => {
  const cases = [
    ['2026-11-22', '18:45:01', 'Europe/Berlin', '2026-11-22T18:45:01.000+01:00'],
    ['2026-07-22', '18:45:01', 'Europe/Berlin', '2026-07-22T18:45:01.000+02:00'],
    ['2026-01-01', '00:00:00', 'Pacific/Auckland', '2026-01-01T00:00:00.000+13:00'],
    ['2026-11-22', '23:59:59', 'America/St_Johns', '2026-11-22T23:59:59.000-03:30'],
    ['2026-11-22', '12:00:00', 'UTC', '2026-11-22T12:00:00.000Z'],
    // The clocks go back at 03:00: of two times 02:30 the first. In New York at 02:00.
    ['2026-10-25', '02:30:00', 'Europe/Berlin', '2026-10-25T02:30:00.000+02:00'],
    ['2026-10-25', '03:00:00', 'Europe/Berlin', '2026-10-25T03:00:00.000+01:00'],
    ['2026-11-01', '01:30:00', 'America/New_York', '2026-11-01T01:30:00.000-04:00'],
    // They go forward at 02:00: there is no 02:30, so it is taken as half an hour after 02:00.
    ['2026-03-29', '02:30:00', 'Europe/Berlin', '2026-03-29T03:30:00.000+02:00'],
    ['2026-03-29', '03:00:00', 'Europe/Berlin', '2026-03-29T03:00:00.000+02:00'],
  ] as const
  for (const [date, time, timeZone, written] of cases)
    t.equal(localToRfc3339({ date, time, timeZone }), written)
})
