import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { noAny, noDefaultExport, noForbiddenCalls } from './banned-rules.js'
import { importTable, independentChecker, noCycles } from './import-rules.js'
import { fileLength, functionLength, lineWidth } from './size-rules.js'
import { type Rule, readTree } from './source-tree.js'

const RULES: Readonly<Record<string, Rule>> = {
  importTable,
  noCycles,
  independentChecker,
  fileLength,
  functionLength,
  lineWidth,
  noDefaultExport,
  noAny,
  noForbiddenCalls,
}

t.test('gateway/ keeps the rules of the house', async t => {
  const tree = readTree('gateway')
  t.ok(tree.length > 30, `${tree.length} files read`)
  t.ok(tree.flatMap(file => file.imports).length > 100)
  for (const [name, rule] of Object.entries(RULES)) t.strictSame(rule(tree), [], name)
})

/** Files that break one rule, and how each violation begins; then files that just keep it. */
interface Planted {
  readonly rule: keyof typeof RULES
  readonly files: Readonly<Record<string, string>>
  readonly found: readonly string[]
}

function treeOf(t: Test, files: Readonly<Record<string, string>>) {
  const root = t.testdir()
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return readTree(root)
}

const lines = (count: number, text = '//\n'): string => text.repeat(count)
const functionOf = (count: number): string => `export function f() {\n${lines(count - 2)}}\n`

const PLANTED: readonly Planted[] = [
  {
    rule: 'importTable',
    files: { 'core/a.ts': `import { b } from '../event/b.js'`, 'event/b.ts': '' },
    found: ['core/a.ts:1: core may not import event/b.ts'],
  },
  {
    rule: 'importTable',
    files: { 'terminal/a.ts': `\nimport type { B } from '../ingest/b.js'` },
    found: ['terminal/a.ts:2: terminal may not import ingest/b.ts'],
  },
  {
    rule: 'importTable',
    files: {
      'line/checksum/a.ts': `export * from '../framing/b.js'`,
      'line/framing/b.ts': `export { c } from '../transport/c.js'`,
      'line/link/d.ts': `import '../checksum/a.js'; import '../framing/b.js'`,
    },
    found: [
      'line/checksum/a.ts:1: line/checksum may not import line/framing/b.ts',
      'line/framing/b.ts:1: line/framing may not import line/transport/c.ts',
      'line/link/d.ts:1: line/link may not import line/checksum/a.ts',
    ],
  },
  {
    rule: 'importTable',
    files: { 'journal/a.ts': `export type A = import('../mqtt/b.js').B` },
    found: ['journal/a.ts:1: journal may not import mqtt/b.ts'],
  },
  {
    rule: 'importTable',
    files: { 'profile/a.ts': 'export const load = (path: string) => import(path)' },
    found: ['profile/a.ts:1: profile may not import (computed)'],
  },
  {
    rule: 'importTable',
    files: { 'simulator/a.ts': `import '../hq/b.js'; import '../main.js'; import '../cli/c.js'` },
    found: [
      'simulator/a.ts:1: simulator may not import main.ts',
      'simulator/a.ts:1: simulator may not import cli/c.ts',
    ],
  },
  {
    rule: 'importTable',
    files: { 'utilities/a.ts': '' },
    found: ['utilities/a.ts:1: stands in no room of the import table'],
  },
  {
    rule: 'noCycles',
    files: {
      'core/a.ts': `import type { B } from './b.js'`,
      'core/b.ts': `import type { C } from './c.js'`,
      'core/c.ts': `import { a } from './a.js'`,
    },
    found: ['core/a.ts:1: cycle core/a.ts > core/b.ts > core/c.ts > core/a.ts'],
  },
  {
    rule: 'independentChecker',
    files: {
      'simulator/ledger-checker.ts': `import './ledger-chain.js'\nimport '../event/event.js'`,
      'simulator/ledger-chain.ts': `import './store.js'`,
      'simulator/store.ts': `import '../event/event.js'`,
    },
    found: [
      'simulator/ledger-checker.ts:2: must not share event/event.ts',
      'simulator/ledger-chain.ts:1: must not share simulator/store.ts',
    ],
  },
  {
    rule: 'fileLength',
    files: { 'core/a.ts': lines(401), 'core/b.ts': lines(400) },
    found: ['core/a.ts:1: 401 lines'],
  },
  {
    rule: 'functionLength',
    files: { 'core/a.ts': functionOf(71), 'core/b.ts': functionOf(70) },
    found: ['core/a.ts:1: function of 71 lines'],
  },
  {
    rule: 'lineWidth',
    files: { 'core/a.ts': `//${'x'.repeat(99)}`, 'core/b.ts': `//${'ü'.repeat(98)}` },
    found: ['core/a.ts:1: 101 columns'],
  },
  {
    rule: 'noDefaultExport',
    files: {
      'core/a.ts': 'export default 1',
      'core/b.ts': 'const b = 1\nexport { b as default }',
      'core/c.ts': 'export const c = 1',
    },
    found: ['core/a.ts:1: default export', 'core/b.ts:2: default export'],
  },
  {
    rule: 'noAny',
    files: {
      'core/a.ts': 'export const a = (b: unknown) => b as any',
      'core/b.ts': 'export type B = Map<string, any[]>',
      'core/c.ts': '// any other business\nexport const any = 1',
    },
    found: ['core/a.ts:1: any', 'core/b.ts:1: any'],
  },
]

for (const { rule, files, found } of PLANTED)
  t.test(`${rule} bites: ${found[0]}`, async t => {
    const violations = RULES[rule]?.(treeOf(t, files)) ?? []
    t.equal(violations.length, found.length, violations.join('\n'))
    for (const beginning of found)
      t.ok(
        violations.some(violation => violation.startsWith(beginning)),
        `${beginning} in ${violations.join(', ')}`,
      )
  })

t.test('noForbiddenCalls bites on each way to say it', async t => {
  const ways: Readonly<Record<string, string>> = {
    'Date.now()': 'Date.now',
    'new Date()': 'new Date()',
    'new Date': 'new Date()',
    'Date()': 'Date()',
    'performance.now()': 'performance.now',
    'process.hrtime.bigint()': 'process.hrtime',
    'setTimeout(f, 1)': 'setTimeout',
    'globalThis.setTimeout(f, 1)': 'setTimeout',
    'setInterval(f, 1)': 'setInterval',
    'setImmediate(f)': 'setImmediate',
    'AbortSignal.timeout(1)': 'AbortSignal.timeout',
    "import 'node:timers'": 'timers',
    "import { setTimeout as delay } from 'node:timers/promises'": 'timers/promises',
    "import('timers/promises')": 'timers/promises',
    'Math.random()': 'Math.random',
    "Math['random']()": 'Math.random',
    'process.env.HOME': 'process.env',
    'globalThis.process.env': 'process.env',
    'const { env } = process': 'process.env',
    "import { env } from 'node:process'": 'process.env',
    "process.stdout.write('')": 'process.stdout',
    'console.log(1)': 'console',
  }
  for (const [code, name] of Object.entries(ways)) {
    const [violation = '', ...more] = noForbiddenCalls(treeOf(t, { 'journal/a.ts': code }))
    t.ok(violation.startsWith(`journal/a.ts:1: ${name}:`), `${code}: ${violation}`)
    t.strictSame(more, [], code)
  }
})

t.test('noForbiddenCalls lets pass what is injected, and each thing in its room', async t => {
  const files = {
    'journal/a.ts': 'new Date(clock.wallMs()); clock.setTimeout(f); const x = { setTimeout: 1 }',
    'core/clock.ts': 'Date.now(); setTimeout(f, 1); performance.now()',
    'core/random.ts': 'Math.random()',
    'config/environment.ts': 'process.env',
    'cli/main.ts': 'process.stdout',
  }
  t.strictSame(noForbiddenCalls(treeOf(t, files)), [])
  const moved = { 'cli/main.ts': files['core/clock.ts'], 'core/clock.ts': files['core/random.ts'] }
  t.equal(noForbiddenCalls(treeOf(t, moved)).length, 4)
})
