import t from 'tap'
import {
  NUMBER_STYLES,
  placePoint,
  readNumber,
  removePoint,
  writeNumber,
} from '../../gateway/codec/decimal.js'

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

t.test('numbers as a country writes them', async t => {
  const READ = [
    ['1234.50', '1234.50', '1234.50'],
    ['1234.50', '1,234.50', undefined],
    ['1234.50', '12,50', undefined],
    ['1234,50', '12,50', '12.50'],
    ['1234,50', '12.50', undefined],
    ['1234,50', '1234', '1234'],
    ['1.234,50', '1.206,00', '1206.00'],
    ['1.234,50', '1206,00', '1206.00'],
    ['1.234,50', '1.234.567', '1234567'],
    ['1.234,50', '-1.206,00', '-1206.00'],
    ['1.234,50', '12.06,00', undefined],
    ['1.234,50', '1206.000,00', undefined],
    ['1.234,50', '0.250', undefined],
    ['1.234,50', '12.50', undefined],
    ['1.234,50', '12,5,0', undefined],
    ['1.234,50', ',50', undefined],
    ['1.234,50', '12,', undefined],
    ['1.234,50', '', undefined],
    ['1 234,50', '1 206,00', '1206.00'],
    ["1'234.50", "12'206.00", '12206.00'],
    ['1,234.50', '1,206.00', '1206.00'],
    ['1,234.50', '1,20', undefined],
  ] as const
  for (const [style, text, plain] of READ)
    t.equal(readNumber(text, style), plain, `${text} as ${style}`)
  for (const style of NUMBER_STYLES)
    for (const plain of ['0.05', '999', '1000', '-1234567.50', '123456'])
      t.equal(readNumber(writeNumber(plain, style), style), plain, `${plain} as ${style}`)
  t.equal(writeNumber('-1234567.50', '1.234,50'), '-1.234.567,50')
})
