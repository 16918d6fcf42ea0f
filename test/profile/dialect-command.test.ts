import t from 'tap'
import { commandsOf, commandsSchema } from '../../gateway/profile/dialect-command.js'

const commands = commandsOf(
  commandsSchema.parse({
    authorise: {
      does: 'pays',
      money: true,
      arguments: {
        amountMinor: { type: 'amount', as: 'amount' },
        note: { type: 'text', max: 5, optional: true },
      },
    },
    display: {
      does: 'shows a line',
      write: '\u000c{text}\r',
      arguments: { text: { type: 'text', max: 20 } },
    },
    dim: {
      does: 'dims it',
      link: 'brightness',
      arguments: { level: { type: 'integer', max: 4 }, code: { type: 'digits', max: 2 } },
    },
    lock: { does: 'locks it', arguments: { on: { type: 'flag' } } },
  }),
)

function prepared(verb: string, values: Record<string, string | number | boolean>) {
  return commands.get(verb)?.prepare(values)
}

t.test('values that fit become what the link is told, or what is written', async t => {
  t.same(prepared('authorise', { amountMinor: 1250 }), {
    ok: true,
    value: { type: 'link', verb: 'authorise', values: { amount: 1250 } },
  })
  t.same(prepared('dim', { level: 0, code: '07' }), {
    ok: true,
    value: { type: 'link', verb: 'brightness', values: { level: 0, code: '07' } },
  })
  t.same(prepared('display', { text: 'Grüße 5' }), {
    ok: true,
    value: { type: 'write', bytes: Buffer.from('\fGr\u00fc\u00dfe 5\r', 'latin1') },
  })
  t.match(prepared('display', { text: 5 }), { ok: true }, 'a number may be text')
  t.match(prepared('lock', { on: false }), { ok: true })
})

t.test('a value that is missing, too much, or could be more than a value is refused', async t => {
  const wrong = [
    ['authorise', {}, /amountMinor: expected/],
    ['authorise', { amountMinor: 0 }, /amountMinor/],
    ['authorise', { amountMinor: 1.5 }, /amountMinor/],
    ['authorise', { amountMinor: '12' }, /amountMinor/],
    ['authorise', { amountMinor: 1, note: 'longer' }, /note: .*5 characters/],
    ['authorise', { amountMinor: 1, tip: 1 }, /tip: authorise has no such argument/],
    ['display', { text: 'a\u001bp' }, /text/],
    ['display', { text: 'a\r' }, /text/],
    ['display', { text: '\u20ac' }, /text/],
    ['dim', { level: 5, code: '1' }, /level: .*up to 4/],
    ['dim', { level: -1, code: '1' }, /level/],
    ['dim', { level: 1, code: '1a' }, /code/],
    ['lock', { on: 'yes' }, /on: expected true or false/],
  ] as const
  for (const [verb, values, error] of wrong) t.match(prepared(verb, values), { ok: false, error })
})

t.test('a dialect names each argument, and one way to do it', async t => {
  const wrong = [
    { a: { does: 'x', write: '{text}' } },
    { a: { does: 'x', write: 'x', link: 'y' } },
    { A: { does: 'x' } },
    { a: { does: '' } },
  ]
  for (const file of wrong) t.notOk(commandsSchema.safeParse(file).success, JSON.stringify(file))
})
