import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { EXIT } from '../../gateway/cli/exit-codes.js'
import { concatBytes, toHex } from '../../gateway/core/bytes.js'
import { systemClock } from '../../gateway/core/clock.js'
import { seededRandom } from '../../gateway/core/random.js'
import { SerialPortTransport } from '../../gateway/line/transport/serial-port.js'
import { loadRegistry } from '../../gateway/profile/registry.js'
import {
  type CaptureFile,
  captureLine,
  chunksOf,
  parseCapture,
} from '../../gateway/workbench/capture/capture-file.js'
import { replay } from '../../gateway/workbench/capture/replay.js'
import { ScrubbedStream } from '../../gateway/workbench/capture/scrubbed-stream.js'
import { ended, MAIN, startProgram } from '../support/program.js'
import { receipt } from '../support/receipt.js'
import { SocatLine } from '../support/socat-line.js'
import { until } from '../support/until.js'

const PAN = '4111111111111111'

const loaded = await loadRegistry({ extraFolders: [] })
if (!loaded.ok) throw new Error(loaded.error.join('\n'))
const dialect = loaded.value.dialect('tillbridge/ecr-lrc')
if (dialect === undefined) throw new RangeError('the reference till is built in')
const SALE = dialect.encode('sale', receipt(1))

function captureIn(file: string): CaptureFile {
  const capture = parseCapture(readFileSync(file, 'utf8'))
  if (!capture.ok) throw new RangeError(capture.error)
  return capture.value
}

async function socat(t: Test, name: string): Promise<SocatLine> {
  const line = await SocatLine.open(join(t.testdirName, name))
  t.teardown(() => line.gone())
  return line
}

function portAt(path: string): SerialPortTransport {
  const line = { baudRate: 9600, dataBits: 8, parity: 'none', stopBits: 1 } as const
  return new SerialPortTransport({ path, ...line, clock: systemClock })
}

const run = (t: Test, ...args: readonly string[]) =>
  startProgram(t, [process.execPath, MAIN, 'profile', ...args])

t.test('both directions of a live line, with timing; Ctrl-C ends the file', async t => {
  t.testdir({})
  const [till, host] = [await socat(t, 'till'), await socat(t, 'host')]
  const out = join(t.testdirName, 'capture.ndjson')
  const child = run(t, 'capture', till.path, '--host', host.path, '--out', out)
  const end = ended(child)
  await until('recording', () => existsSync(out))
  till.send(SALE)
  host.send(Uint8Array.of(6))
  till.send(Buffer.from(`card ${PAN}\r\n`))
  // Written after half a second of silence: what is on the disk survives even SIGKILL.
  await until('written', () => {
    const text = readFileSync(out, 'utf8')
    return text.includes('"host"') && text.includes(toHex(Buffer.from('******1111\r\n')))
  })
  child.kill('SIGINT')
  t.match(await end, { code: EXIT.ok, stderr: /^\d+ bytes from .*till .*host$/m })
  const capture = captureIn(out)
  t.match(capture.head, { format: 'tillbridge-capture', baudRate: 9600, mode: '8N1' })
  t.match(capture.entries.at(-1), { end: 'stopped' })
  const chunks = chunksOf(capture)
  const heard = (from: string) =>
    concatBytes(chunks.filter(one => one.from === from).map(({ bytes }) => bytes))
  t.equal(toHex(heard('host')), '06')
  const terminal = Buffer.from(heard('terminal')).toString('latin1')
  t.ok(terminal.startsWith(Buffer.from(SALE).toString('latin1')))
  t.match(terminal, /card 411111\*{6}1111\r\n$/)
  t.notMatch(readFileSync(out, 'utf8'), toHex(Buffer.from(PAN)))
})

t.test('a line that is lost ends it, with what came before and why', async t => {
  t.testdir({})
  const till = await socat(t, 'till')
  const out = join(t.testdirName, 'lost.ndjson')
  const end = ended(run(t, 'capture', till.path, '--out', out))
  await until('recording', () => existsSync(out))
  till.send(SALE)
  await until('written', () => readFileSync(out, 'utf8').includes('"hex"'))
  await till.gone()
  t.match(await end, { code: EXIT.cannotStart, stderr: /^ended early, for the line was lost: /m })
  t.match(captureIn(out).entries.at(-1), { end: 'lost' })
})

t.test('a port that another program holds is said to be busy', async t => {
  t.testdir({})
  const till = await socat(t, 'till')
  const held = await portAt(till.path).connect(new AbortController().signal)
  t.teardown(() => held.close())
  const busy = await ended(run(t, 'capture', till.path, '--for', '1s'))
  t.match(busy, { code: EXIT.cannotStart, stderr: /is locked.*\n.*stop it first/ })
  const none = await ended(run(t, 'capture', '--for', '1s'))
  t.match(none, { code: EXIT.usage, stderr: /expected a line/ })
})

t.test('--for ends it; a replay onto a port says the same bytes, and decodes', async t => {
  t.testdir({})
  const till = await socat(t, 'till')
  const child = run(t, 'capture', till.path, '--for', '4s')
  const end = ended(child)
  await once(child.stdout, 'data')
  till.send(SALE)
  const { code, stdout } = await end
  t.equal(code, EXIT.ok)
  const file = t.testdir({ 'one.ndjson': stdout })
  const capture = join(file, 'one.ndjson')

  const decoded = await ended(
    run(t, 'replay', capture, '--dialect', 'tillbridge/ecr-lrc', '--time-zone', 'Europe/Berlin'),
  )
  t.match(JSON.parse(decoded.stdout), { event: { type: 'sale.completed', subject: '000001' } })

  const port = join(t.testdirName, 'played')
  const player = run(t, 'replay', capture, '--onto', port, '--speed', '0')
  const played = ended(player)
  await until('there is a port', () => existsSync(port))
  const connection = await portAt(port).connect(new AbortController().signal)
  const parts: Uint8Array[] = []
  for await (const { bytes } of connection) {
    parts.push(bytes)
    if (concatBytes(parts).length >= SALE.length) break
  }
  await connection.write(Uint8Array.of(6))
  t.equal(toHex(concatBytes(parts)), toHex(SALE))
  t.match(await played, { code: EXIT.ok, stderr: /bytes said, 1 answered/ })
  await connection.close()
})

t.test('a card number is found whatever the reads and the cuts are', async t => {
  const random = seededRandom(20261130)
  for (let round = 0; round < 8; round += 1) {
    const stream = new ScrubbedStream()
    const filler = Buffer.alloc(16_300 + Math.floor(random.unit() * 120), 'x')
    const bytes = Buffer.concat([filler, Buffer.from(` ${PAN} `), Buffer.alloc(900, 'y')])
    const entries = []
    for (let at = 0, size = 0; at < bytes.length; at += size) {
      size = 1 + Math.floor(random.unit() * 60)
      const part = bytes.subarray(at, at + size)
      entries.push(...stream.push({ atMs: at / 100, from: 'terminal', bytes: part }))
    }
    entries.push(...stream.settle())
    const hex = entries.map(entry => ('hex' in entry ? entry.hex : '')).join('')
    t.equal(hex.length, 2 * bytes.length, 'every byte once')
    t.notOk(hex.includes(toHex(Buffer.from(PAN))), `round ${round}`)
  }
  const track = new ScrubbedStream()
  track.push({ atMs: 0, from: 'terminal', bytes: Buffer.from(`;${PAN}=29121010000000000?`) })
  t.strictSame(track.settle(), [{ atMs: 0, from: 'terminal', dropped: 'track data', bytes: 36 }])
})

t.test('a capture keeps its time in a replay, or is played faster', async t => {
  const chunks = [0, 1000, 61_000].map(atMs => ({
    atMs,
    from: 'terminal' as const,
    bytes: Uint8Array.of(1),
  }))
  for (const [speed, expected] of [
    [1, [0, 1000, 61_000]],
    [10, [0, 100, 6100]],
    [0, [0, 0, 0]],
  ] as const) {
    let nowMs = 500
    const clock = {
      ...systemClock,
      monotonicMs: () => nowMs,
      sleep: async (ms: number) => {
        nowMs += ms
      },
    }
    const said: number[] = []
    const write = async () => {
      said.push(nowMs - 500)
    }
    await replay({ chunks, speed, clock, write, signal: new AbortController().signal })
    t.strictSame(said, expected, `speed ${speed}`)
  }
})

t.test('a capture is checked line by line; one that was cut off is read as far as it goes', t => {
  const head = captureLine({
    format: 'tillbridge-capture',
    version: 1,
    startedAt: '2026-11-22T18:45:01Z',
    address: '/dev/ttyUSB0',
  })
  const good = captureLine({ atMs: 1, from: 'terminal', hex: '02' })
  t.match(parseCapture(`${head}\n${good}\n{"atMs":2,"fr`), { ok: true, value: { entries: [{}] } })
  t.match(parseCapture(`${head}\n{"atMs":2,"fr\n${good}\n`), { ok: false, error: /^line 2: / })
  t.match(parseCapture(head.replace('"version":1', '"version":2')), { error: /^line 1: version/ })
  t.end()
})
