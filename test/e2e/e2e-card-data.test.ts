import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { stringify } from 'yaml'
import { concatBytes, toHex } from '../../gateway/core/bytes.js'
import { systemRandom } from '../../gateway/core/random.js'
import type { Dialect } from '../../gateway/profile/dialect.js'
import { loadRegistry } from '../../gateway/profile/registry.js'
import { hashPassword } from '../../gateway/security/password.js'
import {
  binaryTill,
  type CardFrames,
  paymentTerminal,
  plainTill,
  scale,
  scanner,
  textTill,
} from '../support/card-frames.js'
import { CardSearch } from '../support/card-search.js'
import { freePort, startMosquitto } from '../support/mosquitto.js'
import { connectTo } from '../support/mqtt.js'
import { type Ended, ended, MAIN, startProgram } from '../support/program.js'
import { receipt } from '../support/receipt.js'
import { TerminalServer } from '../support/terminal-server.js'
import { type CardForm, packedForms, TEST_CARDS, textForms } from '../support/test-cards.js'
import { until } from '../support/until.js'

/** So many terminals of each kind, for of one not all that it says wrong is kept one by one. */
const TERMINALS_EACH = 5
const LAST = 'the last of all'
const TRACK = ';4111111111111111=29121011357924680135?'
const CHIP = '82021980950500000000009a032611229f26081122334455667788990811223344aabbccdd'

t.setTimeout(600_000)

const loaded = await loadRegistry({ extraFolders: [] })
if (!loaded.ok) throw new Error(loaded.error.join('\n'))
const registry = loaded.value

function dialectOf(profile: string, firmware: string): Dialect {
  const found = registry.dialectOf({ profile, firmware })
  if (!found.ok) throw found.error
  return found.value
}

const KINDS: readonly CardFrames[] = [
  textTill(dialectOf('tillbridge/reference-till', '1.0')),
  binaryTill(dialectOf('tillbridge/reference-till-b', '2.0')),
  plainTill(dialectOf('tillbridge/plain-till', '1.0')),
  paymentTerminal(),
  scanner(),
  scale(),
]

/** Every number in every form; BCD that is all letters is no BCD to anyone. */
const FORMS: readonly CardForm[] = TEST_CARDS.flatMap(pan => [
  ...textForms(pan),
  ...packedForms(pan).filter(({ bytes }) => bytes.some(byte => byte < 0x20 || byte > 0x7e)),
])

interface ShopProcess {
  readonly terminals: readonly TerminalServer[]
  /** Ends the gateway and hands back all that it printed. */
  stop(): Promise<Ended>
}

async function startGateway(
  t: Test,
  options: {
    readonly directory: string
    readonly hqPort: number
    readonly brokerPort: number
    readonly kinds: readonly CardFrames[]
    /** What goes before the program, to limit it. */
    readonly limits?: readonly string[]
  },
): Promise<ShopProcess> {
  const { directory, hqPort, brokerPort, kinds, limits = [] } = options
  const terminals = await Promise.all(kinds.map(() => TerminalServer.listen()))
  const passwordHash = await hashPassword('watch', systemRandom)
  const config = join(directory, 'shop.yaml')
  const shop = {
    store: 'store-001',
    dataDir: join(directory, 'data'),
    log: { level: 'trace' },
    hq: { url: `mqtt://127.0.0.1:${hqPort}` },
    broker: {
      listen: `127.0.0.1:${brokerPort}`,
      clients: [{ name: 'watcher', passwordHash, read: ['#'] }],
    },
    terminals: kinds.map(({ profile, firmware }, index) => ({
      id: `t-${index}`,
      profile,
      firmware,
      line: { tcp: { host: '127.0.0.1', port: terminals[index]?.port ?? 0 } },
    })),
  }
  writeFileSync(config, stringify(shop))
  const child = startProgram(t, [...limits, process.execPath, MAIN, 'run', '--config', config])
  const end = ended(child)
  t.teardown(() => {
    for (const terminal of terminals) terminal.close()
  })
  return {
    terminals,
    stop: async () => {
      child.kill('SIGTERM')
      return end
    },
  }
}

async function watch(
  t: Test,
  options: { readonly search: CardSearch; readonly place: string; readonly port: number },
) {
  const { search, place, port } = options
  const connection = connectTo({ port, username: 'watcher', password: 'watch', connectMs: 10_000 })
  const seen = { events: 0, isLast: false }
  connection.subscribe('#', ({ topic, payload }) => {
    if (topic.includes('/events/')) {
      seen.events += 1
      seen.isLast ||= Buffer.from(payload).includes(LAST)
    }
    search.message(place, topic, payload)
  })
  connection.start()
  t.teardown(() => connection.stop(500))
  await until(`${place} is heard`, () => connection.state.type === 'online')
  return { seen, stop: () => connection.stop(500) }
}

/** What one kind of terminal has to say, by turns from each of its lines. */
async function sayAll(kind: CardFrames, lines: readonly TerminalServer[]): Promise<void> {
  const turns = lines.map((line, turn) => async () => {
    const own = FORMS.filter((_, index) => index % lines.length === turn)
    for (const [index, { bytes }] of own.entries()) {
      // Places and forms both go round, with different periods.
      const place = kind.frames[(index * lines.length + turn) % kind.frames.length]
      const number = 1 + index * lines.length + turn
      const frames = [place?.(bytes), kind.sound(bytes, number), kind.sound(bytes, 1)]
      for (const frame of frames.slice(0, index < 3 ? 3 : 2).filter(one => one !== undefined)) {
        // Noise, and the same damaged: discarded before a frame, or NAKed, before the good one.
        const damaged = frame.with(-2, (frame.at(-2) ?? 0) ^ 1)
        if (index % 8 === 0) await line.send(concatBytes([bytes, damaged]))
        if (kind.answers) await line.deliver(frame)
        else await line.send(frame)
      }
    }
    await line.send(Buffer.from('4111111111111111'.repeat(600)))
  })
  await Promise.all(turns.map(turn => turn()))
}

async function saySensitive(kind: CardFrames, line: TerminalServer): Promise<void> {
  for (const form of [TRACK, CHIP]) {
    const frame = kind.frames.map(place => place(Buffer.from(form))).find(one => one !== undefined)
    if (frame !== undefined) await line.send(frame)
  }
}

t.test('no test card reaches disk, log, status or wire, whoever says it', async t => {
  const directory = mkdtempSync(join(tmpdir(), 'tillbridge-cards-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const search = new CardSearch()
  const hqBroker = await startMosquitto()
  t.teardown(() => hqBroker.stop())
  const brokerPort = await freePort()
  const kinds = KINDS.flatMap(kind => Array.from({ length: TERMINALS_EACH }, () => kind))
  const atHq = await watch(t, { search, place: 'HQ broker', port: hqBroker.port })
  const hqUrl = `mqtt://127.0.0.1:${hqBroker.port}`
  const hqData = join(directory, 'hq')
  const hqArgs = ['hq', '--data', hqData, '--broker', hqUrl, '--log-level', 'trace']
  const hq = startProgram(t, [process.execPath, MAIN, ...hqArgs])
  const hqEnd = ended(hq)
  const shop = await startGateway(t, { directory, hqPort: hqBroker.port, brokerPort, kinds })
  const inShop = await watch(t, { search, place: 'shop broker', port: brokerPort })

  await Promise.all(
    KINDS.map(async (kind, index) => {
      const from = index * TERMINALS_EACH
      const lines = shop.terminals.slice(from, from + TERMINALS_EACH)
      await sayAll(kind, lines)
      await Promise.all(lines.map(line => saySensitive(kind, line)))
    }),
  )
  const last = textTill(dialectOf('tillbridge/reference-till', '1.0')).sound(
    Buffer.from(LAST),
    900_000,
  )
  if (last !== undefined) await shop.terminals[0]?.deliver(last)
  const isHeard = () => search.placesOf(['the last of all']).some(hit => hit.includes('HQ broker'))
  await until('HQ has all of it', isHeard)
  t.comment(`${inShop.seen.events} events in the shop, ${atHq.seen.events} at HQ`)

  const gateway = await shop.stop()
  t.equal(gateway.code, 0, 'the gateway survived all of it')
  hq.kill('SIGTERM')
  const headquarters = await hqEnd
  for (const [name, { stdout, stderr }] of Object.entries({ gateway, headquarters })) {
    search.add(`stdout of ${name}`, stdout)
    search.add(`stderr of ${name}`, stderr)
  }
  await Promise.all([inShop.stop(), atHq.stop()])
  search.files(directory)
  await search.values(join(directory, 'data', 'journal'))
  await search.values(join(hqData, 'ledger')).catch(() => search.values(hqData))
  const exported = await ended(
    startProgram(t, [process.execPath, MAIN, 'hq', 'export', '--data', hqData]),
  )
  search.add('hq export', exported.stdout)

  t.comment(`${Math.round(search.size / 1e6)} MB searched`)
  t.strictSame(search.cards().slice(0, 5), [], 'no test card anywhere')
  const secrets = ['1357924680135', '11223344aabbccdd']
  const inBytes = secrets.map(secret => toHex(Buffer.from(secret)))
  t.strictSame(
    search.placesOf([...secrets, ...inBytes]).slice(0, 5),
    [],
    'nothing of a track or PIN',
  )
  for (const place of ['journal (values)', 'HQ broker', 'shop broker', 'hq export']) {
    const hits = search.placesOf(['411111******1111', toHex(Buffer.from('411111******1111'))])
    t.ok(hits.filter(hit => hit.includes(place)).length > 0, `${place}: they did arrive, hidden`)
  }
  const alarm = search.placesOf(['"alarm":"card-data"'])
  t.ok(alarm.length > 2, 'the alarm was journaled, told and logged')
  const conflict = search.placesOf(['event.conflict'])
  t.ok(conflict.length > 0, 'there were conflicts')
})

t.test('nor while the disk refuses', async t => {
  const directory = mkdtempSync(join(tmpdir(), 'tillbridge-cards-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const till = KINDS[0]
  if (till === undefined) throw new Error('there is a till')
  const shop = await startGateway(t, {
    directory,
    hqPort: 1,
    brokerPort: await freePort(),
    kinds: [till],
    // No file of its may grow beyond 1 MiB: LevelDB fails in the middle of a write.
    limits: ['sh', '-c', 'ulimit -f 2048; exec "$@"', 'sh'],
  })
  const [line] = shop.terminals
  const dialect = dialectOf(till.profile, till.firmware)
  const description = TEST_CARDS[0]
  const item = { plu: '1', description, quantity: '1', unitPrice: '0.45', amount: 1 }
  const items = Array.from({ length: 80 }, () => item)
  const tenders = [{ type: 'cash', amount: 80 }]
  let refused = 0
  for (let number = 1; number < 400 && refused < 3; number += 1) {
    const sale = { ...receipt(number), items, tenders, total: 80 }
    if ((await line?.deliver(dialect.encode('sale', sale))) === false) refused += 1
  }
  t.ok(refused > 0, 'the journal refused')
  const { stdout, stderr } = await shop.stop()
  const search = new CardSearch()
  search.add('log', stdout)
  search.add('stderr', stderr)
  search.files(directory)
  t.match(stdout, /TB_JOURNAL_/)
  t.strictSame(search.cards().slice(0, 5), [])
})
