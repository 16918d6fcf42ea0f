import t from 'tap'
import { hasValidCheckDigit } from '../../gateway/codec/check-digit.js'

// gs1/gs1-syntax-dictionary (Apache-2.0), src/lint_csum.c @ ff2eb4bfc8f6
t.test('GS1 check digits', async t => {
  t.ok(hasValidCheckDigit('02345673'))
  t.notOk(hasValidCheckDigit('12345673'))
  t.ok(hasValidCheckDigit('1234567890128'))
  t.notOk(hasValidCheckDigit(''))
  t.notOk(hasValidCheckDigit('123456789012x'))
})
