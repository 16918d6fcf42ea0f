import t from 'tap'
import { compilePattern, groupNames } from '../../gateway/codec/safe-pattern.js'

t.test('patterns that could run for ever are refused', async t => {
  const catastrophic = [
    '(?:a+)+b',
    '(?:a*)*',
    '(?:a|a)*b',
    '(?:a|ab?)+c',
    '(?:[0-9]+,?)*;',
    '(?:(?:a{1,9}){1,9}){1,9}',
    '.*.*',
    'a+b+',
    '\\d+\\d+x',
    '(?:a?){40}a',
    '(?<name>\\w{1,40}\\s?){1,20}:',
  ]
  for (const source of catastrophic)
    t.match(compilePattern(source), { ok: false, error: /at most 100000 ways/ }, source)
})

t.test('what cannot be counted is refused', async t => {
  const refused = [
    '(a)\\1',
    '(?=a)b',
    '(?!a)b',
    '(?<=a)b',
    '(?<a>x)\\k<a>',
    '^a$',
    '\\ba',
    '(?:a',
    'a)',
    '[a',
    'a**',
    '+a',
    'a{',
    '\\',
    '(?<a>x)|(?<a>y)z(?',
  ]
  for (const source of refused) t.match(compilePattern(source), { ok: false }, source)
})

t.test('bounded patterns match whole messages', async t => {
  const cases = [
    ['S S {1,12}(?<weight>\\d{1,7}(?:\\.\\d{1,6})?) g', 'S S     100.00 g', true],
    ['a|bc', 'bc', true],
    ['a|bc', 'abc', false],
    ['[a\\]]{2}', 'a]', true],
    ['\\x1d.*', '\x1d\n', true],
    ['\\+\\-', '+-', true],
    ['a{2,}', 'a', false],
  ] as const
  for (const [source, text, matches] of cases) {
    const pattern = compilePattern(source)
    t.equal(pattern.ok && pattern.value.test(text), matches, source)
  }
  t.strictSame(groupNames('(?<a>x)(?:y)(?<b>z)'), ['a', 'b'])
})
