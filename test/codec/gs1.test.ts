import t from 'tap'
import { readElementString } from '../../gateway/codec/gs1.js'
import {
  GS1_IDENTIFIERS,
  GS1_PREDEFINED_LENGTHS,
  type Gs1Part,
} from '../../gateway/codec/gs1-identifiers.js'

t.test('elements, with and without separators', async t => {
  const good = [
    ['0112345678901231', { '01': '12345678901231' }],
    ['011234567890123110ABC\x1d2112', { '01': '12345678901231', '10': 'ABC', '21': '12' }],
    ['0112345678901231\x1d10ABC', { '01': '12345678901231', '10': 'ABC' }],
    ['3103001250', { '3103': '001250' }],
    ['7007260101260201', { '7007': '260101260201' }],
    ['2531234567890128', { '253': '1234567890128' }],
    ['8003012345678901281', { '8003': '012345678901281' }],
  ] as const
  for (const [text, elements] of good)
    t.strictSame(readElementString(text), { ok: true, value: elements }, text)
})

t.test('what is not an element string is refused, and why', async t => {
  const bad = [
    ['', /at least one element/],
    ['\x1d', /exists/],
    ['0112345678901234', /\(01\): a valid check digit/],
    ['011234567890123', /\(01\): 14 characters/],
    ['0512', /exists/],
    ['10', /\(10\): 1 to 20 characters/],
    [`10${'A'.repeat(21)}`, /\(10\): no more characters/],
    ['10AB{', /\(10\): characters that GS1 allows/],
    ['17261301', /\(17\): a date/],
    ['7007260101260', /\(7007\): 6 characters/],
    ['10A\x1d10B', /\(10\): one value/],
    ['3103001x50', /\(3103\): characters/],
  ] as const
  for (const [text, reason] of bad) t.match(readElementString(text), { ok: false, error: reason })
})

// gs1/gs1-syntax-dictionary (Apache-2.0), src/lint_yymmd0.c @ ff2eb4bfc8f6
t.test('dates', async t => {
  const isDate = (element: string) => readElementString(element).ok
  t.ok(isDate('17250606'))
  t.notOk(isDate('17200132'))
  t.ok(isDate('17250200'), 'day 00: the last of the month')
  t.notOk(isDate('4326250200'), 'a full date')
})

t.test('the table holds together', async t => {
  const identifiers = [...GS1_IDENTIFIERS.keys()]
  const ambiguous = identifiers.filter(one =>
    identifiers.some(other => other !== one && one.startsWith(other)),
  )
  t.strictSame(ambiguous, [], 'no identifier begins with another')
  const most = (parts: readonly Gs1Part[]) => parts.reduce((total, part) => total + part.max, 0)
  const table = [...GS1_IDENTIFIERS.entries()]
  const tooLong = table.filter(([, parts]) => most(parts) > 90)
  t.strictSame(tooLong, [], 'no value exceeds 90 characters')
  const mismatched = table.filter(([identifier, parts]) => {
    const predefined = GS1_PREDEFINED_LENGTHS.get(identifier.slice(0, 2))
    return predefined !== undefined && predefined !== identifier.length + most(parts)
  })
  t.strictSame(mismatched, [], 'predefined lengths are those of the parts')
  const variable = table.filter(([, parts]) =>
    parts.slice(0, -1).some(part => part.min !== part.max || part.optional),
  )
  t.strictSame(variable, [], 'only the last part varies')
  t.ok(table.length > 400)
})
