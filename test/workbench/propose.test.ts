import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { profileFrameCommand } from '../../gateway/cli/commands/profile-frame.js'
import { profileNewCommand } from '../../gateway/cli/commands/profile-new.js'
import { EXIT } from '../../gateway/cli/exit-codes.js'
import { fromHex, toHex } from '../../gateway/core/bytes.js'
import { type Random, seededRandom } from '../../gateway/core/random.js'
import {
  encodeFrame,
  type FramingOptions,
  framingSchema,
} from '../../gateway/line/framing/catalog.js'
import { testProfiles } from '../../gateway/profile/lint.js'
import { loadProfileFiles } from '../../gateway/profile/load.js'
import { BUILT_IN_PROFILES } from '../../gateway/profile/registry.js'
import { captureLine } from '../../gateway/workbench/capture/capture-file.js'
import { burstsOf } from '../../gateway/workbench/propose/bursts.js'
import { checksumFits } from '../../gateway/workbench/propose/checksum-fits.js'
import { proposeFramings } from '../../gateway/workbench/propose/propose-framing.js'
import { invoke } from '../support/command.js'

const SEED = 20261130

/** Binary payloads of differing lengths that begin alike, as messages do. */
function payloads(random: Random, printable: boolean): readonly Uint8Array[] {
  return Array.from({ length: 12 }, (_, n) => {
    const body = [...random.bytes(8 + Math.floor(random.unit() * 30))]
    const bytes = printable ? body.map(byte => 0x30 + (byte % 40)) : body
    return Uint8Array.from([0x41, 0x30 + (n % 3), ...bytes])
  })
}

const framings: readonly Readonly<Record<string, unknown>>[] = [
  { type: 'stx-etx', checksum: 'lrc' },
  { type: 'stx-etx', checksum: 'sum8' },
  { type: 'stx-etx', checksum: 'none' },
  { type: 'stx-etx', checksum: 'CRC-16/MODBUS', checksumEndian: 'little' },
  { type: 'stx-etx', dle: true, checksum: 'CRC-16/KERMIT', checksumEndian: 'little' },
  { type: 'delimited', delimiters: '0d0a' },
  { type: 'delimited', delimiters: '0d', start: '02' },
  {
    type: 'length-prefixed',
    start: '02',
    lengthBytes: 2,
    encoding: 'bcd',
    end: '03',
    checksum: 'lrc',
  },
  { type: 'length-prefixed', lengthBytes: 2, endian: 'little', checksum: 'CRC-16/XMODEM' },
  {
    type: 'length-prefixed',
    start: 'aa',
    lengthBytes: 1,
    adjust: 0,
    checksum: 'sum8',
    checksumFrom: 'start',
  },
  { type: 'idle-gap', checksum: 'CRC-16/MODBUS', checksumEndian: 'little' },
  { type: 'stx-etx', checksum: 'lrc', checksumFrom: 'start', checksumTo: 'payload', tail: '0d' },
  { type: 'stx-etx', checksum: 'CRC-16/XMODEM', checksumEncoding: 'hex-lower' },
  {
    type: 'delimited',
    delimiters: '0d0a',
    start: '24',
    end: '2a',
    checksum: 'lrc',
    checksumEndian: 'big',
    checksumEncoding: 'hex',
    checksumTo: 'payload',
  },
  {
    type: 'length-prefixed',
    start: '23',
    lengthBytes: 3,
    encoding: 'decimal',
    end: '2a',
    checksum: 'sum8',
    checksumEncoding: 'hex',
    checksumFrom: 'payload',
    checksumTo: 'payload',
    tail: '0d0a',
  },
]

for (const given of framings)
  t.test(`found again: ${JSON.stringify(given)}`, t => {
    const framing = framingSchema.parse(given)
    const random = seededRandom(SEED)
    const isText =
      framing.type === 'delimited' ||
      (framing.type === 'stx-etx' && !framing.dle) ||
      (framing.type === 'length-prefixed' && framing.encoding === 'decimal')
    const frames = payloads(random, isText).map(payload => encodeFrame(framing, payload))
    // One is broken, as on a line.
    const broken = Uint8Array.from(frames[5] ?? [])
    broken[4] = (broken[4] ?? 0) ^ 0x01
    const bursts = frames.map((frame, index) => (index === 5 ? broken : frame))
    const [best] = proposeFramings(bursts)
    t.strictSame(shapeOf(best?.framing), shapeOf(framing))
    const hasChecksum = (framing.checksum ?? 'none') !== 'none'
    t.equal(best?.confidence, hasChecksum ? 'proven' : 'likely')
    t.equal(best?.frames.length, hasChecksum ? 11 : 12)
    t.end()
  })

/** What may be told from bytes: a limit may not, nor a byte order or range that changes nothing. */
function shapeOf(framing: FramingOptions | undefined): unknown {
  if (framing === undefined) return undefined
  const { maxFrameBytes: _, ...shape } = framing
  return shape
}

t.test('a checksum over a range that no framing has is named', t => {
  const sum = (bytes: Uint8Array) => bytes.reduce((total, byte) => total ^ byte, 0)
  const bursts = ['0241313203', '02423435363703', '024338390303'].map(hex => {
    const bytes = fromHex(hex)
    return Uint8Array.from([...bytes, sum(bytes)])
  })
  t.ok(checksumFits(bursts).includes('lrc, from byte 1 on'))
  t.strictSame(checksumFits(bursts.map(burst => burst.with(2, 0x7f))), [])
  t.end()
})

t.test('silence, and the word of the other side, part what a terminal says', t => {
  const chunk = (atMs: number, hex: string, from: 'terminal' | 'host' = 'terminal') => {
    return { atMs, from, bytes: fromHex(hex) }
  }
  const chunks = [chunk(0, '01'), chunk(10, '02'), chunk(100, '03'), chunk(101, '06', 'host')]
  t.strictSame([...burstsOf([...chunks, chunk(102, '04')])].map(toHex), ['0102', '03', '04'])
  t.end()
})

t.test('a till that nobody answered, and how it parts its columns', async t => {
  const message = (text: string): string => toHex(Buffer.from(text, 'latin1'))
  const said = ['SA;0412;01.12.2026;08:15;Caff\xe8;1|2', 'SA;0413;02.12.2026;09:30;Pane;3|4|5']
  const lines = said.flatMap((text, index) =>
    [0, 2000, 4000].map(atMs =>
      captureLine({ atMs: 9000 * index + atMs, from: 'terminal', hex: `${message(text)}0d0a` }),
    ),
  )
  const folder = t.testdir({ 'capture.ndjson': '' })
  const head = {
    format: 'tillbridge-capture',
    version: 1,
    startedAt: '2026-12-01T08:00:00Z',
    address: '/dev/ttyUSB0',
  } as const
  const file = join(folder, 'capture.ndjson')
  writeFileSync(file, [captureLine(head), ...lines, ''].join('\n'))
  const out = join(folder, 'profiles')
  const args = [file, '--profile', 'acme/till-6', '--firmware', '1.0', '--out', out]
  const made = await invoke(profileNewCommand, { args })
  t.match(made, { code: EXIT.ok, stdout: /it waits for an answer; link: ack-nak is proposed/ })
  const dialect = readFileSync(join(out, 'acme/till-6.dialect.yaml'), 'utf8')
  t.match(dialect, /link:\n {2}type: "ack-nak"/)
  t.match(dialect, /begins: "SA;"[\s\S]*separator: ";"/)
  t.match(dialect, /type: "date"\n *format: "DD.MM.YYYY"[\s\S]*type: "time"\n *format: "HH:MM"/)
})

t.test('the skeleton loads, its cases pass, and lint says that it is one', async t => {
  const out = join(t.testdir({}), 'profiles')
  const loaded = await loadProfileFiles([BUILT_IN_PROFILES])
  if (!loaded.ok) throw new RangeError(loaded.error.join('\n'))
  const cases = loaded.value.cases.get('tillbridge/ecr-lrc')?.value.cases ?? []
  const lines = cases.flatMap(({ hex }, index) => [
    captureLine({ atMs: 1000 * index, from: 'terminal', hex }),
    captureLine({ atMs: 1000 * index + 5, from: 'host', hex: '06' }),
  ])
  const head = captureLine({
    format: 'tillbridge-capture',
    version: 1,
    startedAt: '2026-11-30T20:00:00Z',
    address: '/dev/ttyUSB0',
    baudRate: 19_200,
    mode: '7E1',
  })
  const file = join(t.testdirName, 'capture.ndjson')
  t.testdir({ 'capture.ndjson': [head, ...lines, ''].join('\n') })
  const args = [file, '--profile', 'acme/till-5', '--firmware', '1.0', '--out', out]
  const made = await invoke(profileNewCommand, { args })
  t.match(made, { code: EXIT.ok, stdout: /^1\. proven: stx-etx \(dle false, checksum lrc/ })
  const dialect = readFileSync(join(out, 'acme/till-5.dialect.yaml'), 'utf8')
  const [, schema = ''] = /\$schema=(.*)/.exec(dialect) ?? []
  t.ok(existsSync(join(out, 'acme', schema)), schema)
  t.match(dialect, /baudRate: 19200[\s\S]*dataBits: 7[\s\S]*parity: "even"/)
  t.match(dialect, /link:\n {2}type: "ack-nak"/)
  t.match(dialect, /begins: "SALE\|"/)
  const report = await testProfiles([out])
  if (!report.ok) throw new RangeError(report.error.join('\n'))
  t.ok(report.value.cases.length >= 4)
  t.strictSame(
    report.value.cases.flatMap(({ failures }) => failures),
    [],
  )
  t.match(
    report.value.findings,
    new Array(report.value.findings.length).fill(
      /till-5\..*yaml:\d+: .*expected (what it means|who says)/,
    ),
  )
  const frame = ['SALE|N|x', '--dialect', 'acme/till-5', '--folder', out]
  t.match(await invoke(profileFrameCommand, { args: frame }), {
    code: EXIT.ok,
    stdout: `02${toHex(Buffer.from('SALE|N|x'))}03`,
  })
  const two = ['a\\x03b', '--dialect', 'acme/till-5', '--folder', out]
  t.match(await invoke(profileFrameCommand, { args: two }), { code: EXIT.usage, stderr: /framed/ })
  t.match(await invoke(profileNewCommand, { args }), { code: EXIT.usage, stderr: /exists/ })
  const other = [file, '--profile', 'acme/other', '--out', out, '--firmware']
  t.match(await invoke(profileNewCommand, { args: [...other, '1 0'] }), {
    stderr: /--firmware: ex/,
  })
  t.match(await invoke(profileNewCommand, { args: [...other, '1', '--take', '9000'] }), {
    code: EXIT.usage,
    stderr: /--take: expected a number from 1 to \d+/,
  })
  const silent = join(t.testdirName, 'silent.ndjson')
  writeFileSync(silent, `${head}\n`)
  const nothing = await invoke(profileNewCommand, {
    args: [silent, '--profile', 'acme/none', '--firmware', '1', '--out', out],
  })
  t.match(nothing, { code: EXIT.usage, stderr: /expected frames in some framing/ })
  t.notOk(existsSync(join(out, 'acme/none.profile.yaml')))
})
