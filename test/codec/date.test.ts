import t from 'tap'
import { readDate, readTime, writeDate, writeTime } from '../../gateway/codec/date.js'

t.test('days', async t => {
  const good = [
    ['20261122', 'YYYYMMDD', '2026-11-22'],
    ['240229', 'YYMMDD', '2024-02-29'],
    ['14052019', 'DDMMYYYY', '2019-05-14'],
    ['140519', 'DDMMYY', '2019-05-14'],
    ['2026-11-22', 'YYYY-MM-DD', '2026-11-22'],
    ['14.05.2019', 'DD.MM.YYYY', '2019-05-14'],
    ['14.05.19', 'DD.MM.YY', '2019-05-14'],
    ['14/05/2019', 'DD/MM/YYYY', '2019-05-14'],
    ['05/14/2019', 'MM/DD/YYYY', '2019-05-14'],
  ] as const
  for (const [wire, format, iso] of good) {
    t.strictSame(readDate(wire, format), { ok: true, value: iso })
    t.strictSame(writeDate(iso, format), { ok: true, value: wire })
  }
  const bad = ['20260230', '20261301', '20260400', '2026112', '2026112x', '202611222']
  for (const wrong of bad) t.match(readDate(wrong, 'YYYYMMDD'), { ok: false }, wrong)
  for (const wrong of ['20261122', '2026/11/22', '2026-1-22', '2026-13-01'])
    t.match(readDate(wrong, 'YYYY-MM-DD'), { ok: false }, wrong)
  t.match(readDate('230229', 'YYMMDD'), { ok: false }, 'no leap year')
  t.match(writeDate('1999-01-01', 'YYMMDD'), { ok: false }, 'another century')
})

t.test('times', async t => {
  t.strictSame(readTime('184501', 'HHMMSS'), { ok: true, value: '18:45:01' })
  t.strictSame(readTime('1845', 'HHMM'), { ok: true, value: '18:45:00' })
  t.strictSame(writeTime('18:45:01', 'HHMMSS'), { ok: true, value: '184501' })
  t.strictSame(readTime('18:45:01', 'HH:MM:SS'), { ok: true, value: '18:45:01' })
  t.strictSame(readTime('18:45', 'HH:MM'), { ok: true, value: '18:45:00' })
  t.strictSame(writeTime('18:45:01', 'HH:MM'), { ok: true, value: '18:45' })
  for (const wrong of ['18.45', '24:00', '1845']) t.match(readTime(wrong, 'HH:MM'), { ok: false })
  for (const wrong of ['240000', '236000', '235960', '1845', '18:45'])
    t.match(readTime(wrong, 'HHMMSS'), { ok: false }, wrong)
})
