import t from 'tap'
import { readDate, readTime, writeDate, writeTime } from '../../gateway/codec/date.js'

t.test('days', async t => {
  const good = [
    ['20261122', 'YYYYMMDD', '2026-11-22'],
    ['240229', 'YYMMDD', '2024-02-29'],
    ['14052019', 'DDMMYYYY', '2019-05-14'],
    ['140519', 'DDMMYY', '2019-05-14'],
  ] as const
  for (const [wire, format, iso] of good) {
    t.strictSame(readDate(wire, format), { ok: true, value: iso })
    t.strictSame(writeDate(iso, format), { ok: true, value: wire })
  }
  const bad = ['20260230', '20261301', '20260400', '2026112', '2026112x', '202611222']
  for (const wrong of bad) t.match(readDate(wrong, 'YYYYMMDD'), { ok: false }, wrong)
  t.match(readDate('230229', 'YYMMDD'), { ok: false }, 'no leap year')
  t.match(writeDate('1999-01-01', 'YYMMDD'), { ok: false }, 'another century')
})

t.test('times', async t => {
  t.strictSame(readTime('184501', 'HHMMSS'), { ok: true, value: '18:45:01' })
  t.strictSame(readTime('1845', 'HHMM'), { ok: true, value: '18:45:00' })
  t.strictSame(writeTime('18:45:01', 'HHMMSS'), { ok: true, value: '184501' })
  for (const wrong of ['240000', '236000', '235960', '1845', '18:45'])
    t.match(readTime(wrong, 'HHMMSS'), { ok: false }, wrong)
})
