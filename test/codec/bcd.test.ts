import t from 'tap'
import { bcdOfDigits, digitsOfBcd } from '../../gateway/codec/bcd.js'
import { fromHex, toHex } from '../../gateway/core/bytes.js'

t.test('digits and packed BCD', async t => {
  t.strictSame(digitsOfBcd(fromHex('000123')), { ok: true, value: '000123' })
  t.match(digitsOfBcd(fromHex('1a')), { ok: false })
  const written = bcdOfDigits('123', 3)
  t.equal(written.ok && toHex(written.value), '000123')
  t.match(bcdOfDigits('1234567', 3), { ok: false })
  t.match(bcdOfDigits('12x', 3), { ok: false })
})
