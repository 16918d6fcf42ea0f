import { join } from 'node:path'
import { FULL_ACCESS } from '../../gateway/broker/access-rules.js'
import { LocalBroker } from '../../gateway/broker/local-broker.js'
import { systemClock } from '../../gateway/core/clock.js'
import { terminalId } from '../../gateway/core/ids.js'
import { silentLogger } from '../../gateway/core/log.js'
import { systemRandom } from '../../gateway/core/random.js'
import { RetrySchedule } from '../../gateway/core/retry-schedule.js'
import { HqServer } from '../../gateway/hq/hq-server.js'
import { openLedgerDatabase, openLevelLedger } from '../../gateway/hq/level-ledger.js'
import { JournalIngest } from '../../gateway/ingest/journal-ingest.js'
import type { Journal } from '../../gateway/journal/journal.js'
import { openJournal } from '../../gateway/journal/level-journal.js'
import { openJournalDatabase } from '../../gateway/journal/open-database.js'
import { SerialPortTransport } from '../../gateway/line/transport/serial-port.js'
import { MqttJsConnection } from '../../gateway/mqtt/mqtt-js-connection.js'
import type { Dialect } from '../../gateway/profile/dialect.js'
import { loadRegistry } from '../../gateway/profile/registry.js'
import { openPseudoTerminal, type PseudoTerminal } from '../../gateway/simulator/pseudo-terminal.js'
import { TerminalSession } from '../../gateway/terminal/session.js'
import { Uplink } from '../../gateway/uplink/uplink.js'
import { topicsUnder } from '../../gateway/wire/topics.js'
import { STORE } from '../support/sample.js'

const TOPICS = topicsUnder('tillbridge/1')

/** A shop and its HQ in one process, over a real pseudo-terminal, broker, journal and ledger. */
export interface BenchShop {
  readonly till: PseudoTerminal
  readonly dialect: Dialect
  readonly journal: Journal
  readonly port: number
  close(): Promise<void>
}

export async function openBenchShop(directory: string): Promise<BenchShop> {
  const closers: (() => Promise<void> | void)[] = []
  const broker = new LocalBroker({
    id: 'bench',
    listen: { host: '127.0.0.1', port: 0 },
    clients: [],
    anonymous: FULL_ACCESS,
    random: systemRandom,
    logger: silentLogger,
  })
  await broker.start()
  closers.push(() => broker.stop())
  const port = broker.address?.port ?? 0
  const hq = connect('hq', port)
  closers.push(() => hq.stop(1000))
  const ledger = await openLevelLedger({
    database: await openLedgerDatabase(join(directory, 'ledger')),
    clock: systemClock,
    random: systemRandom,
  })
  const server = new HqServer({ ...COMMON, ledger, connection: hq, topics: TOPICS })
  closers.push(async () => {
    await server.stop()
    await ledger.close()
  })
  server.start()
  const journal = await openBenchJournal(directory)
  const shop = connect('shop', port)
  const uplink = new Uplink({
    ...COMMON,
    connection: shop,
    journal,
    topics: TOPICS,
    store: STORE,
    mode: 'ledger',
    software: 'bench',
  })
  uplink.start()
  closers.push(async () => {
    await uplink.stop(1000)
    await shop.stop(1000)
    await journal.close()
  })
  const { till, dialect, stop } = await openTill(journal)
  closers.push(stop)
  const close = async (): Promise<void> => {
    for (const closer of closers.reverse()) await closer()
  }
  return { till, dialect, journal, port, close }
}

const COMMON = { clock: systemClock, random: systemRandom, logger: silentLogger } as const

function connect(clientId: string, port: number): MqttJsConnection {
  const address = { host: '127.0.0.1', port, clientId: `bench-${clientId}` }
  const connection = new MqttJsConnection({ ...COMMON, address })
  connection.start()
  return connection
}

async function openBenchJournal(directory: string): Promise<Journal> {
  return openJournal({
    database: await openJournalDatabase(join(directory, 'journal')),
    ...COMMON,
    store: STORE,
    software: 'bench',
    bootId: 'bench',
    clockState: () => 'synced',
    timeZone: 'UTC',
  })
}

async function openTill(journal: Journal): Promise<{
  readonly till: PseudoTerminal
  readonly dialect: Dialect
  readonly stop: () => Promise<void>
}> {
  const registry = await loadRegistry({ extraFolders: [] })
  if (!registry.ok) throw new Error(registry.error.join('\n'))
  const found = registry.value.dialectOf({ profile: 'tillbridge/reference-till', firmware: '1.0' })
  if (!found.ok) throw found.error
  const dialect = found.value
  const till = openPseudoTerminal()
  const ingest = new JournalIngest({ journal, logger: silentLogger })
  const session = new TerminalSession({
    ...COMMON,
    store: STORE,
    terminal: terminalId('register-1'),
    timeZone: 'UTC',
    dialect,
    transport: new SerialPortTransport({ ...dialect.line, path: till.path, clock: systemClock }),
    ingest: events => ingest.ingest(events),
    retry: new RetrySchedule({ firstMs: 100, maxMs: 1000, random: systemRandom }),
    clockState: () => 'synced',
  })
  const stopping = new AbortController()
  const running = session.run(stopping.signal)
  const stop = async (): Promise<void> => {
    stopping.abort()
    await running
    till.close()
  }
  return { till, dialect, stop }
}
