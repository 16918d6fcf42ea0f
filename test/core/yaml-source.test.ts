import t from 'tap'
import { z } from 'zod'
import { parseYaml, validateYaml } from '../../gateway/core/yaml-source.js'

const schema = z.strictObject({
  name: z.string(),
  parity: z.enum(['none', 'even', 'odd']),
  port: z
    .int()
    .min(1)
    .max(65535)
    .meta({ examples: [1883] }),
  path: z
    .string()
    .meta({ description: 'the path of a port', examples: ['/dev/ttyUSB0'] })
    .optional(),
  link: z
    .discriminatedUnion('type', [
      z.strictObject({ type: z.literal('unsolicited') }),
      z.strictObject({ type: z.literal('ack-nak'), repeatLimit: z.int() }),
    ])
    .optional(),
  terminals: z
    .array(z.strictObject({ firmware: z.string(), baudRate: z.int().optional() }))
    .optional(),
})

const GOOD = 'name: a\nparity: even\nport: 80\n'

function load(text: string) {
  const source = parseYaml({ file: 'shop.yaml', text })
  if (!source.ok) return source
  return validateYaml({ source: source.value, value: source.value.value, schema })
}

function errorsOf(text: string): readonly string[] {
  const loaded = load(text)
  return loaded.ok ? [] : loaded.error
}

t.test('a good file is its value', async t => {
  const loaded = load(GOOD)
  t.strictSame(loaded, { ok: true, value: { name: 'a', parity: 'even', port: 80 } })
})

t.test('each fault names its place, what was expected and what to write', async t => {
  const cases: readonly (readonly [text: string, error: string])[] = [
    [
      `${GOOD}pathh: x\n`,
      'shop.yaml:4:1: pathh: expected one of name, parity, port, path, link, terminals; write `path`',
    ],
    [
      `${GOOD}link:\n  type: unsolicited\n  repeatLimit: 3\n`,
      'shop.yaml:6:3: link.repeatLimit: expected one of type; leave it out',
    ],
    [
      'name: a\nparity: evven\nport: 80\n',
      'shop.yaml:2:9: parity: expected one of none, even, odd; write `even`',
    ],
    [
      'name: a\nparity: odd\nprot: 1\n',
      'shop.yaml:3:1: prot: expected one of name, parity, port, path, link, terminals; write `port`',
    ],
    [
      'name: a\nparity: odd\n',
      'shop.yaml:1:1: expected `port`, a whole number from 1 to 65535; write `port: 1883`',
    ],
    [
      'name: a\nparity: odd\nport: 70000\n',
      'shop.yaml:3:7: port: expected number to be <=65535; write `1883`',
    ],
    [
      'name: 0042\nparity: odd\nport: 1\n',
      'shop.yaml:1:7: name: expected text; write `"0042" (in quotes)`',
    ],
    [
      `${GOOD}path: [1]\n`,
      'shop.yaml:4:7: path: expected the path of a port; write `/dev/ttyUSB0`',
    ],
    [
      `${GOOD}link: { type: ack }\n`,
      'shop.yaml:4:15: link.type: expected one of unsolicited, ack-nak; write `ack-nak`',
    ],
    [
      `${GOOD}link:\n  type: ack-nak\n`,
      'shop.yaml:4:1: link: expected `repeatLimit`, a whole number; write `repeatLimit: 1`',
    ],
    [
      `${GOOD}terminals:\n  - firmware: "1"\n    baudrate: 9600\n`,
      'shop.yaml:6:5: terminals.0.baudrate: expected one of firmware, baudRate; write `baudRate`',
    ],
  ]
  for (const [text, error] of cases) t.strictSame(errorsOf(text), [error])
})

t.test('what is not YAML is refused with its place', async t => {
  t.match(errorsOf('name: a\nname: b\n'), [
    /^shop\.yaml:2:1: expected YAML: Map keys must be unique/,
  ])
  t.match(errorsOf('name: [a\nport: 1\n')[0], /^shop\.yaml:2:\d+: expected YAML: /)
  t.match(
    errorsOf("keys: ['a: ['b']\n  listen: x\n  list:\n    - { a: b }\n"),
    [/^shop\.yaml:1:\d+: expected YAML: /],
    'the first fault, not what follows from it',
  )
  t.equal(errorsOf("keys: ['a: ['b']\n  listen: x\n  list:\n    - { a: b }\n").length, 1)
  t.match(errorsOf(`${'x'.repeat(1024 * 1024)}x`), [/^shop\.yaml:1:1: expected at most 1048576/])
})

t.test('aliases may not expand without bound', async t => {
  const levels = ['a: &a [x,x,x,x,x,x,x,x,x]']
  for (const [name, before] of ['ba', 'cb', 'dc', 'ed'].map(pair => [...pair]))
    levels.push(`${name}: &${name} [${Array(9).fill(`*${before}`).join(',')}]`)
  const loaded = parseYaml({ file: 'x.yaml', text: levels.join('\n') })
  t.match(loaded, { ok: false, error: [/^x\.yaml:1:1: expected few aliases/] })
})
