import t from 'tap'
import { placePoint, removePoint } from '../../gateway/codec/decimal.js'

t.test('a point that is implied', async t => {
  const pairs = [
    ['1250', 2, '12.50'],
    ['5', 3, '0.005'],
    ['000120', 0, '120'],
    ['-7', 2, '-0.07'],
  ] as const
  for (const [wire, places, text] of pairs)
    t.strictSame(placePoint(wire, places), { ok: true, value: text })
  t.strictSame(removePoint('12.50', 2), { ok: true, value: '1250' })
  t.strictSame(removePoint('-0.07', 2), { ok: true, value: '-007' })
  t.match(removePoint('12.5', 2), { ok: false }, 'decimals are never invented')
  for (const wrong of ['', '1.2', '12a', '--1', '1'.repeat(16)])
    t.match(placePoint(wrong, 2), { ok: false }, wrong)
})
