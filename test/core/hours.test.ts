import t from 'tap'
import { isWithinHours } from '../../gateway/core/hours.js'

const at = (hours: string, time: string): boolean =>
  isWithinHours(hours, Date.parse(`2026-07-01T${time}:00Z`), 'Europe/Berlin')

t.test('in the time of the shop', async t => {
  t.ok(at('02:00-05:00', '00:00'))
  t.ok(at('02:00-05:00', '02:59'))
  t.notOk(at('02:00-05:00', '03:00'))
  t.notOk(at('02:00-05:00', '23:59'))
})

t.test('over midnight', async t => {
  t.ok(at('22:00-05:00', '20:00'))
  t.ok(at('22:00-05:00', '02:59'))
  t.notOk(at('22:00-05:00', '03:00'))
  t.notOk(at('22:00-05:00', '19:59'))
})
