import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import t from 'tap'
import { parse } from 'yaml'
import { z } from 'zod'
import { profileExplainCommand } from '../../gateway/cli/commands/profile-explain.js'
import { EXIT } from '../../gateway/cli/exit-codes.js'
import { concatBytes, fromHex, toHex } from '../../gateway/core/bytes.js'
import { runCases } from '../../gateway/profile/cases.js'
import type { InterpretingDialect } from '../../gateway/profile/dialect.js'
import { loadRegistry } from '../../gateway/profile/registry.js'
import { casesSchema } from '../../gateway/profile/schema.js'
import { readBytes } from '../../gateway/workbench/capture/read-bytes.js'
import { caseDrafts } from '../../gateway/workbench/case-drafts.js'
import { captureNow, explain } from '../../gateway/workbench/explain.js'
import { explanationLines } from '../../gateway/workbench/explanation-text.js'
import { invoke } from '../support/command.js'
import { receipt } from '../support/receipt.js'

const loaded = await loadRegistry({ extraFolders: [] })
if (!loaded.ok) throw new Error(loaded.error.join('\n'))
const registry = loaded.value

function dialectCalled(name: string): InterpretingDialect {
  const dialect = registry.dialect(name)
  if (dialect === undefined) throw new RangeError(`no dialect ${name}`)
  return dialect
}

function explained(name: string, bytes: Uint8Array) {
  const dialect = dialectCalled(name)
  const chunks = [{ atMs: 0, from: 'terminal', bytes } as const]
  return [...explain({ dialect, chunks, capture: captureNow('Europe/Berlin') })]
}

function withoutColour(line: string): string {
  const [first = '', ...others] = line.split('\x1b[')
  return first + others.map(part => part.slice(part.indexOf('m') + 1)).join('')
}

t.test('a sale: its fields, its event, the answer; what is thrown away and why', async t => {
  const sale = dialectCalled('tillbridge/ecr-lrc').encode('sale', receipt(7))
  const broken = Uint8Array.from(sale)
  broken[20] = (broken[20] ?? 0) ^ 1
  const all = explained('tillbridge/ecr-lrc', concatBytes([sale, fromHex('ff'), broken]))
  t.equal(toHex(concatBytes(all.map(({ bytes }) => bytes))), `${toHex(sale)}ff${toHex(broken)}`)
  const [first, noise, bad] = all
  const texts = first?.notes.map(({ text }) => text) ?? []
  t.match(texts[0], /^frame, \d+ bytes$/)
  for (const text of ['message sale', 'receiptNumber: 000007', 'event sale.completed'])
    t.ok(texts.includes(text), text)
  t.equal(texts.at(-1), 'tillbridge writes 06')
  t.match(noise, { kind: 'discarded', offset: sale.length, notes: [{}, { text: /^noise: / }] })
  t.match(bad, { kind: 'discarded', notes: [{}, { text: /^checksum: / }] })
  t.strictSame(first?.payload, { start: 1, end: sale.length - 2 })
})

t.test('a dialect of a protocol shows its fields as a declared one does', async t => {
  const [weight, status] = explained(
    'mettler-toledo/toledo-8217',
    fromHex('0231323334350d023f600d'),
  )
  const texts = weight?.notes.map(({ text }) => text) ?? []
  t.ok(texts.includes('weight: 12.345'), texts.join(', '))
  t.match(status?.notes[0]?.text, /which the link does not take/, 'nobody had asked again')
})

t.test('no card number is shown, and of a track nothing at all', async t => {
  const pan = '4111111111111111'
  const shown = explained('tillbridge/ecr-line', Buffer.from(`X ${pan}\r\n`))
  t.match(toHex(concatBytes(shown.map(({ bytes }) => bytes))), /2a2a2a2a2a2a/)
  const track = explained('tillbridge/ecr-line', Buffer.from(`;${pan}=29121010000000000?\r\n`))
  t.strictSame(
    track.map(({ bytes }) => bytes.length),
    track.map(() => 0),
  )
  for (const lines of [...shown, ...track].map(one => explanationLines(one, { colours: false })))
    t.notMatch(lines.join('\n'), /411111111111/)
})

t.test('colour is for terminals alone', async t => {
  const [one] = explained('mettler-toledo/sics-1', Buffer.from('S S     100.00 g\r\n'))
  if (one === undefined) throw new RangeError('a frame was given')
  const plain = explanationLines(one, { colours: false })
  const coloured = explanationLines(one, { colours: true })
  t.match(plain[0], /^000000 {2}53 20 53 .* S S {5} {2}frame, 18 bytes$/)
  t.ok(coloured[0]?.includes('\x1b['))
  t.equal(coloured.map(line => withoutColour(line).trimEnd()).join('\n'), plain.join('\n'))
})

t.test('bytes come as hexadecimal, from a file, or from standard input', async t => {
  const folder = t.testdir({ raw: 'S S\r\n', hex: '53 20\n53', bad: '{"format":"tillbridge"}\n' })
  const read = async (given: string, stdin = '') => {
    const stream = new PassThrough()
    stream.end(stdin)
    const bytes = await readBytes(given, stream)
    return bytes.ok ? toHex(concatBytes(bytes.value.chunks.map(one => one.bytes))) : bytes.error
  }
  t.equal(await read('02:31 0x03'), '023103')
  t.equal(await read(join(folder, 'raw')), toHex(Buffer.from('S S\r\n')))
  t.equal(await read(join(folder, 'hex')), '532053')
  t.equal(await read('-', '5a'), '5a')
  t.match(await read(join(folder, 'bad')), /bad: line 1: /)
  t.match(await read('nowhere'), /expected a file, hexadecimal bytes or -/)
})

t.test('the command counts what it showed, and wants a dialect', async t => {
  const args = ['5320532020202020203130302e303020670d0a', '580d0a']
  const sics = await invoke(profileExplainCommand, {
    args: [...args, '--profile', 'mettler-toledo/mt-sics', '--firmware', '1.0'],
  })
  t.match(sics, { code: EXIT.ok, stdout: /goods\.weighed/ })
  t.match(sics.stdout, /^2 frames, 2 events, 1 with something wrong \(mettler-toledo\/sics-1@/m)
  t.match(await invoke(profileExplainCommand, { args }), {
    code: EXIT.usage,
    stderr: /--dialect vendor\/name/,
  })
  const wrong = await invoke(profileExplainCommand, { args: [...args, '--dialect', 'no/such'] })
  t.match(wrong, { code: EXIT.usage, stderr: /--dialect: expected/ })
})

t.test('a case for each different frame, which its dialect passes', async t => {
  const [one, other] = [7, 8].map(n =>
    dialectCalled('tillbridge/ecr-lrc').encode('sale', receipt(n)),
  )
  const broken = Uint8Array.from(one ?? [])
  broken[20] = (broken[20] ?? 0) ^ 1
  const bytes = concatBytes([one, one, broken, other].map(frame => frame ?? Uint8Array.of()))
  const args = [toHex(bytes), '--dialect', 'tillbridge/ecr-lrc', '--time-zone', 'Europe/Berlin']
  const printed = await invoke(profileExplainCommand, { args: [...args, '--cases'] })
  t.equal(printed.code, EXIT.ok)
  const head = { format: 1, vendor: 'tillbridge', dialect: 'ecr-lrc' }
  const value = casesSchema.parse({ ...head, ...z.looseObject({}).parse(parse(printed.stdout)) })
  t.strictSame(
    value.cases.map(({ hex }) => hex),
    [one, other].map(frame => toHex(frame ?? Uint8Array.of())),
  )
  const place = () => ({ line: 1, column: 1 })
  const source = { file: 'cases.yaml', value, locate: place, locateKey: place, spelling: () => '' }
  const results = runCases({
    dialect: dialectCalled('tillbridge/ecr-lrc'),
    cases: { source, value },
  })
  t.strictSame(
    results.map(({ failures }) => failures),
    [[], []],
  )
})

t.test('no case is drafted of a frame that holds a card number', async t => {
  const dialect = dialectCalled('generic/aim-lines')
  const bytes = Buffer.from(']A04111111111111111\r')
  const chunks = [{ atMs: 0, from: 'terminal', bytes } as const]
  const capture = captureNow('Europe/Berlin')
  t.strictSame(caseDrafts({ dialect, chunks, capture, source: 'constructed' }), [])
})
