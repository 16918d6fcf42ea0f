import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { stringify } from 'yaml'
import { diagCommand } from '../../gateway/cli/commands/diag.js'
import { loadRegistry } from '../../gateway/profile/registry.js'
import { signingKeyOf } from '../../gateway/security/signature.js'
import { withParityBit } from '../../gateway/simulator/garble.js'
import { type LinkFault, openLinkFault } from '../../gateway/simulator/link-fault.js'
import {
  type CaptureFile,
  chunksOf,
  parseCapture,
} from '../../gateway/workbench/capture/capture-file.js'
import { invoke } from '../support/command.js'
import { freePort, startMosquitto } from '../support/mosquitto.js'
import { connectTo } from '../support/mqtt.js'
import { ended, MAIN, startProgram } from '../support/program.js'
import { openPtyPair, type PtyPair } from '../support/pty-pair.js'
import { receipt } from '../support/receipt.js'
import { freshDirectory } from '../support/shop.js'
import { until } from '../support/until.js'

const KEY = signingKeyOf(Buffer.alloc(32, 5))
const PASSWORD = 'swordfish-of-store-001'
const CARD = '4111111111111111'

t.setTimeout(600_000)
// Each question listens for the signals that end a command.
process.setMaxListeners(0)
// Most of the time they wait.
t.jobs = 4

const registry = await loadRegistry({ extraFolders: [] })
if (!registry.ok) throw new Error(registry.error.join('\n'))
const till = registry.value.dialectOf({ profile: 'tillbridge/reference-till', firmware: '1.0' })
if (!till.ok) throw till.error
const sale = (number: number): Uint8Array => till.value.encode('sale', receipt(number))

interface Shop {
  readonly folder: string
  readonly till7: PtyPair
  readonly till8: PtyPair
  readonly metricsPort: number
  readonly brokerPort: number
  /** Between the shop and HQ's broker. */
  readonly link: LinkFault
  /** `tillbridge diag` with all that it needs before its question. */
  readonly command: readonly string[]
  /** `tillbridge diag`, as HQ's technician types it: what it printed, which must have succeeded. */
  diag(...words: readonly string[]): Promise<string>
  /** Everything that diag has printed so far. */
  said(): string
}

/** Two tills, a gateway in a process of its own, a real broker, and HQ's command line. */
async function openShop(
  t: Test,
  mode: 'direct' | 'ledger' = 'direct',
): Promise<Shop & { start(): ReturnType<typeof startProgram> }> {
  const folder = freshDirectory(t)
  const till7 = openPtyPair(t, join(folder, 'till-7'))
  const till8 = openPtyPair(t, join(folder, 'till-8'))
  const broker = await startMosquitto()
  t.teardown(() => broker.stop())
  const link = await openLinkFault({ target: broker.port })
  t.teardown(() => link.close())
  const keyFile = join(folder, 'hq.pem')
  writeFileSync(keyFile, KEY.toPem(), { mode: 0o600 })
  const metricsPort = await freePort()
  const config = configIn(folder, { hqPort: link.port, metricsPort, till7, till8, mode })
  const at = `mqtt://127.0.0.1:${broker.port}`
  const to = ['--store', 'store-001', '--broker', at, '--key', keyFile, '--as', 'technician']
  let said = ''
  return {
    folder,
    link,
    command: [process.execPath, MAIN, 'diag', ...to],
    till7,
    till8,
    metricsPort,
    brokerPort: broker.port,
    start: () => startProgram(t, [process.execPath, MAIN, 'run', '--config', config]),
    diag: async (...words) => {
      const { code, stdout, stderr } = await invoke(diagCommand, { args: [...to, ...words] })
      said += stdout
      if (code !== 0) throw new Error(`diag ${words.join(' ')}: ${code} ${stderr}`)
      t.comment(`$ tillbridge diag --store store-001 ${words.join(' ')}\n${stdout}`)
      return stdout
    },
    said: () => said,
  }
}

function configIn(
  folder: string,
  shop: {
    readonly hqPort: number
    readonly metricsPort: number
    readonly till7: PtyPair
    readonly till8: PtyPair
    readonly mode: 'direct' | 'ledger'
  },
): string {
  const { hqPort, metricsPort, till7, till8, mode } = shop
  const file = join(folder, 'shop.yaml')
  const terminals = [['till-7', till7] as const, ['till-8', till8] as const].map(([id, line]) => ({
    id,
    profile: 'tillbridge/reference-till',
    firmware: '1.0',
    line: { serial: { path: line.port } },
  }))
  const hq = {
    url: `mqtt://127.0.0.1:${hqPort}`,
    password: PASSWORD,
    keys: [KEY.publicKey],
    mode,
  }
  const metrics = { port: metricsPort }
  const dataDir = join(folder, 'data')
  writeFileSync(
    file,
    stringify({ store: 'store-001', dataDir, hq, metrics, broker: 'off', terminals }),
  )
  return file
}

/** Four seconds of a till's line; it sells meanwhile, and the link to HQ is down. */
async function captureWithoutLink(shop: Shop, number: number): Promise<CaptureFile> {
  const out = join(shop.folder, `cut-${number}.ndjson`)
  const capturing = shop.diag('capture', 'till-7', '--for', '4s', '--out', out)
  await until('it runs', () => existsSync(out) && readFileSync(out, 'utf8').includes('format'))
  shop.link.pull()
  await sell(shop.till7, number)
  shop.link.restore()
  await capturing
  const capture = parseCapture(readFileSync(out, 'utf8'))
  if (!capture.ok) throw new Error(capture.error)
  return capture.value
}

/** As a till does: again until it is answered. */
async function sell(line: PtyPair, number: number): Promise<void> {
  const before = line.received().length
  const say = (): void => line.send(sale(number))
  const repeating = setInterval(say, 1000)
  say()
  await until('answered', () => line.received().length > before)
  clearInterval(repeating)
}

t.test(
  'why till 7 sends nothing: its port is owned by another process',
  { buffered: true },
  async t => {
    const shop = await openShop(t)
    const thief = spawn('flock', ['--no-fork', shop.till7.port, 'sleep', '600'])
    t.teardown(() => thief.kill('SIGKILL'))
    await until('the port is taken', () =>
      readFileSync('/proc/locks', 'utf8').includes(`FLOCK  ADVISORY  WRITE ${thief.pid} `),
    )
    shop.start()
    await sell(shop.till8, 1)
    const found = await shop.diag('terminals', 'till-7')
    t.match(
      found,
      new RegExp(`fail: its port is held by another process: ${thief.pid} \\(sleep\\)`),
    )
    t.match(found, new RegExp(`Stop process ${thief.pid}`))
    const ports = await shop.diag('ports')
    t.match(ports, new RegExp(`used by till-7\n +open in ${thief.pid} \\(sleep\\)`))
    t.match(ports, /used by till-8\n +open in \d+ \(.*this gateway\)/)
    thief.kill('SIGTERM')
    await sell(shop.till7, 2)
    t.match(await shop.diag('terminals', 'till-7'), /ok: it is heard/)
  },
)

t.test(
  'why till 7 sends nothing: it speaks with a parity, the port is set to none',
  { buffered: true },
  async t => {
    const shop = await openShop(t)
    shop.start()
    await sell(shop.till8, 1)
    const garble = setInterval(() => shop.till7.send(withParityBit(sale(1))), 300)
    t.teardown(() => clearInterval(garble))
    await until('garbled', async () =>
      /till-7 +garbled/.test(await shop.diag('terminals', 'till-7')),
    )
    const found = await shop.diag('terminals', 'till-7')
    t.match(found, /fail: wrong parity: the terminal sends 7E1, the port is set to 9600 8N1/)
    t.match(found, /Write `dataBits: 7`, `parity: even` at its `line`/)
    const out = join(shop.folder, 'till-7.ndjson')
    const capture = await shop.diag('capture', 'till-7', '--for', '2s', '--out', out)
    t.match(capture, /discarded, \d+ bytes\n.*(noise|checksum)/)
    const explained = await ended(
      startProgram(t, [
        process.execPath,
        MAIN,
        'profile',
        'explain',
        out,
        '--dialect',
        'tillbridge/ecr-lrc',
      ]),
    )
    t.match(explained.stdout, /discarded/, 'the workbench reads the file')
    t.match(await shop.diag('logs', '--level', 'warn'), /WARN {2}terminal unusable .*garbled/)
  },
)

t.test('why till 7 sends nothing: its cable is dead', { buffered: true }, async t => {
  const shop = await openShop(t)
  shop.till7.cut()
  shop.start()
  await sell(shop.till8, 1)
  const found = await shop.diag('terminals', 'till-7')
  t.match(found, /warn: its line is open, and not one byte has come in [\d.]+ s\n.*plug/)
  t.match(
    await shop.diag('ping', 'till-7', '--for', '2s'),
    /not asked anything in its protocol; not a byte came/,
  )
  t.match(await shop.diag('loopback', 'till-7'), /none came back/)
  shop.till7.loop()
  t.match(await shop.diag('loopback', 'till-7'), /came back: port, adapter and plug are well/)
})

t.test(
  'an answer goes on over a lost link, and ends when it is cancelled',
  { buffered: true },
  async t => {
    const shop = await openShop(t)
    shop.start()
    await sell(shop.till7, 1)
    let number = 1
    // Where this machine is too busy to sell while it lasts, again.
    await until('all that came meanwhile is there', async () => {
      number += 1
      const capture = await captureWithoutLink(shop, number)
      t.match(capture.entries.at(-1), { end: 'stopped' })
      const said = chunksOf(capture).filter(({ from }) => from === 'terminal')
      return Buffer.concat(said.map(({ bytes }) => bytes)).includes(Buffer.from(sale(number)))
    })
    const following = startProgram(t, [...shop.command, 'logs', '--follow', '--for', '10m'])
    const end = ended(following)
    await once(following.stdout, 'data')
    following.kill('SIGINT')
    t.match(await end, { code: 0 })
    t.match(await shop.diag('status'), /till-7 {2}connected/)
  },
)

t.test('the rest of what HQ may ask; and no secret in any of it', { buffered: true }, async t => {
  const shop = await openShop(t, 'ledger')
  const ledger = ['--data', join(shop.folder, 'hq')]
  const broker = ['--broker', `mqtt://127.0.0.1:${shop.brokerPort}`]
  startProgram(t, [process.execPath, MAIN, 'hq', ...ledger, ...broker])
  const audit: string[] = []
  const hq = connectTo({ port: shop.brokerPort })
  hq.subscribe('tillbridge/1/store-001/events/gateway/gateway.command', ({ payload }) => {
    audit.push(Buffer.from(payload).toString())
  })
  hq.start()
  t.teardown(() => hq.stop(500))
  const gateway = ended(shop.start())
  await sell(shop.till7, 1234)
  const following = shop.diag('logs', '--follow', '--for', '4s', '--last', '0')
  shop.till7.send(Buffer.from(`card ${CARD} `))
  const where = () => shop.diag('journal', '--receipt', '001234')
  await until('confirmed', async () => / committed +20/.test(await where()))
  t.match(
    await where(),
    /sale\.completed .* of till-7.*\n +captured .*\n +journaled +20.*\n +sent +20/,
  )
  const published = /HQ has record .*\n +committed +20.*\n +published +20/
  await until('published', async () =>
    published.test(await shop.diag('journal', '--receipt', '001234', ...ledger)),
  )
  for (const what of ['status', 'journal', 'ble', 'network', 'clock', 'disk'])
    t.ok((await shop.diag(what)).length > 10, what)
  const json: unknown = JSON.parse(await shop.diag('status', '--json'))
  t.match(json, { status: { store: 'store-001', commands: {} } })
  const bundle = join(shop.folder, 'bundle.tar.gz')
  await shop.diag('bundle', '--out', bundle)
  const names = await ended(startProgram(t, ['tar', 'xzOf', bundle]))
  t.match(names.stdout, /"software"/)
  const metrics = await fetch(`http://127.0.0.1:${shop.metricsPort}/metrics`)
  t.match(await metrics.text(), /\ntillbridge_terminal_events_total\{terminal="till-7"\} 1\n/)
  t.equal((await fetch(`http://127.0.0.1:${shop.metricsPort}/healthz`)).status, 200)
  await following
  await shop.diag('restart', 'till-7')
  await sell(shop.till7, 1235)
  await shop.diag('restart', 'gateway')
  t.match(await gateway, { code: 0 }, 'it ended in good order, to be started again')
  const uses = audit.filter(text => text.includes('"verb":"bundle"'))
  t.match(uses.join(), /"issuer":"technician"/, 'each use is on record')
  const everything = shop.said() + names.stdout + audit.join()
  for (const secret of [PASSWORD, CARD, '34313131313131313131313131313131', 'PRIVATE KEY'])
    t.notOk(everything.includes(secret), secret)
})
