import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { loadProfileFiles } from '../../gateway/profile/load.js'
import { BUILT_IN_PROFILES, loadRegistry } from '../../gateway/profile/registry.js'

const PROFILE = `format: 1
vendor: acme
model: till
name: Till
kind: till
source: manual, page 3
firmware:
  - { from: "1.0", to: "1.9", dialect: lines }
`

const DIALECT = `format: 1
vendor: acme
dialect: lines
version: 1
source: manual, page 4
line: { baudRate: 9600, dataBits: 8, parity: none, stopBits: 1 }
framing: { type: delimited, delimiters: "0d0a" }
link: { type: unsolicited }
idleMs: 200
cardData: false
messages:
  - name: scan
    layout:
      type: pattern
      pattern: 'B(?<code>\\d{1,20})'
      template: "B{code}"
      fields:
        - { name: code, type: digits, max: 20 }
    event:
      type: code.scanned
      subject: code
      data: { text: $code }
`

const change = (text: string, from: string, to: string): string => {
  if (!text.includes(from)) throw new RangeError(`no ${from} in the fixture`)
  return text.replace(from, to)
}

async function faultsOf(
  test: Test,
  files: { readonly profile?: string; readonly dialect?: string; readonly other?: string },
): Promise<readonly string[]> {
  const { profile = PROFILE, dialect = DIALECT, other } = files
  const folder = test.testdir({
    acme: {
      'till.profile.yaml': profile,
      'lines.dialect.yaml': dialect,
      ...(other === undefined ? {} : { 'lines.case.yaml': other }),
    },
  })
  const loaded = await loadProfileFiles([folder])
  return loaded.ok ? [] : loaded.error.map(fault => fault.replace(`${folder}/`, ''))
}

t.test('the fixture is good', async t => {
  t.strictSame(await faultsOf(t, {}), [])
})

t.test('faults name file, line, column, what was expected and what to write', async t => {
  const dialects: readonly (readonly [from: string, to: string, fault: RegExp])[] = [
    ['idleMs: 200', 'idleMS: 200', /^acme\/lines\.dialect\.yaml:9:1: idleMS: .*write `idleMs`$/],
    ['parity: none', 'parity: no', /^acme\/lines\.dialect\.yaml:6:46: line\.parity: .*`none`$/],
    [
      'type: digits, max: 20',
      'type: number',
      /^acme\/lines\.dialect\.yaml:18:31: .*fields\.0\.type/,
    ],
    ['{1,20}', '+)+', /:15:16: messages\.0\.layout\.pattern: expected balanced parentheses/],
    ["'B(?<code>\\d{1,20})'", "'B(?<code>(?:\\d+)+)'", /:15:16: .*at most 100000 ways to match/],
    ['(?<code>', '(?<cod>', /:15:16: .*expected a group for code; write \(\?<code>…\)/],
    ['B{code}', 'B', /:16:17: .*expected a place for code; write \{code\}/],
    [
      '$code',
      '$kode',
      /:22:21: .*event\.data\.text: expected a field of the message; write one of code/,
    ],
    ['{ text: $code }', '{}', /:22:13: .*event\.data\.text: expected what code/],
    [
      'type: code.scanned',
      'type: sale.completed',
      /:22:21: .*data\.text: expected a member of sale\.completed; write its name as docs\/schema/,
    ],
    [
      'text: $code',
      'text: $code, symbology: 7',
      /:22:39: .*data\.symbology: expected what code\.scanned must have here/,
    ],
    ['subject: code', 'subject: cod', /:21:16: .*event\.subject: .*write one of code/],
    [
      'type: code.scanned',
      'type: code.scan',
      /:20:13: .*event\.type: expected an event type; write/,
    ],
    [
      '      subject',
      '      key: { kind: s, day: code, number: code }\n      Subject',
      /:22:7: .*Subject/,
    ],
    ['- { name: code', '- { name: Code', /:18:19: .*name: expected a name such as receiptNumber/],
    [
      'type: digits, max: 20',
      'type: amount',
      /:14:7: .*layout: expected a currency for the amounts/,
    ],
    [
      '    event:',
      '    ignore: x\n    event:',
      /:12:5: messages\.0: expected what the message means/,
    ],
    ['vendor: acme', 'vendor: acne', /:2:9: vendor: expected the name the file has; write `acme`/],
    ['format: 1', 'format: 2', /:1:9: format: expected format 1, the only one there is; write `1`/],
  ]
  for (const [from, to, fault] of dialects) {
    const faults = await faultsOf(t, { dialect: change(DIALECT, from, to) })
    t.match(faults.join('\n'), fault, `${from} → ${to}`)
  }
})

t.test(
  'rows are told apart by another separator than the message has; their members are named',
  async t => {
    const rows = (separator: string): string =>
      change(
        change(
          DIALECT,
          DIALECT.slice(DIALECT.indexOf('    layout:'), DIALECT.indexOf('    event:')),
          `    begins: "S|"
    layout:
      type: delimited
      separator: "|"
      fields:
        - { name: count, type: integer, min: 0, max: 9 }
        - type: rows
          name: codes
          max: 9
          count: count
          separator: "${separator}"
          fields: [{ name: code, type: digits, max: 20 }]
`,
        ),
        DIALECT.slice(DIALECT.indexOf('      type: code.scanned')),
        `      type: payment.settled
      data:
        currency: EUR
        amountMinor: 0
        schemes: { each: codes, row: { cardScheme: $code } }
`,
      )
    const faults = await faultsOf(t, { dialect: rows('|') })
    t.match(faults, [
      /:23:22: .*fields\.1\.separator: expected another separator than the message's/,
      /:30:38: .*schemes\.row\.amountMinor: expected what payment\.settled must have here; write/,
    ])
    t.equal(faults.length, 2)
    t.equal((await faultsOf(t, { dialect: rows(';') })).length, 1)
  },
)

t.test('firmware ranges are closed, ordered and apart, and their dialects exist', async t => {
  const range = '  - { from: "1.0", to: "1.9", dialect: lines }\n'
  const profiles: readonly (readonly [to: string, fault: RegExp])[] = [
    [
      `${range}  - { from: "1.9", to: "2.3", dialect: lines }\n`,
      /:9:13: .*apart from 1\.0 to 1\.9/,
    ],
    [`${range}  - { from: "0.1", to: "9", dialect: lines }\n`, /:9:13: .*apart from 1\.0 to 1\.9/],
    ['  - { from: "2.0", to: "1.9", dialect: lines }\n', /:8:24: .*expected 2\.0 or later/],
    ['  - { from: "1.0", dialect: lines }\n', /:8:5: .*expected `to`, a firmware version/],
    ['  - { from: 1.0, to: "1.9", dialect: lines }\n', /:8:13: .*write `"1\.0" \(in quotes\)`/],
    [
      '  - { from: "1.0", to: "1.9", dialect: line }\n',
      /:8:40: .*a dialect of acme; write one of lines/,
    ],
  ]
  for (const [to, fault] of profiles) {
    const faults = await faultsOf(t, { profile: change(PROFILE, range, to) })
    t.match(faults[0], fault, to)
  }
})

t.test('every fault of every file is told at once', async t => {
  const faults = await faultsOf(t, {
    profile: change(PROFILE, 'kind: till', 'kind: tiller'),
    dialect: change(DIALECT, 'idleMs: 200', 'idleMs: 1'),
    other: 'format: 1\n',
  })
  t.match(faults, [/lines\.case\.yaml: expected <vendor>\/<name>\.profile\.yaml/])
  const both = await faultsOf(t, {
    profile: change(PROFILE, 'kind: till', 'kind: tiller'),
    dialect: change(DIALECT, 'idleMs: 200', 'idleMs: 1'),
  })
  t.match(both, [/lines\.dialect\.yaml:9:9: idleMs/, /till\.profile\.yaml:5:7: kind/])
})

t.test('a folder of the shop adds profiles and replaces built-in ones', async t => {
  const folder = t.testdir({
    acme: { 'till.profile.yaml': PROFILE, 'lines.dialect.yaml': DIALECT },
    tillbridge: {},
  })
  const name = 'tillbridge/ecr-lrc.dialect.yaml'
  await cp(join(BUILT_IN_PROFILES, name), join(folder, name))
  const text = await readFile(join(folder, name), 'utf8')
  await writeFile(join(folder, name), change(text, '\nversion: 1\n', '\nversion: 7\n'))
  const registry = await loadRegistry({ extraFolders: [folder] })
  t.ok(registry.ok)
  if (!registry.ok) return
  const added = registry.value.dialectOf({ profile: 'acme/till', firmware: '1.0' })
  t.match(added, { ok: true, value: { id: 'acme/lines@1' } })
  const mended = registry.value.dialectOf({ profile: 'tillbridge/reference-till', firmware: '1.0' })
  t.match(mended, { ok: true, value: { id: 'tillbridge/ecr-lrc@7' } })
  t.match(await loadRegistry({ extraFolders: [join(folder, 'none')] }), {
    ok: false,
    error: [/none: expected a folder of profiles/],
  })
})
