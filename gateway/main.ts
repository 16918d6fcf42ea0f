import { readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { LocalBroker } from './broker/local-broker.js'
import type { LineConfig, ShopConfig } from './config/schema.js'
import { rfc3339, systemClock } from './core/clock.js'
import type { Database } from './core/database.js'
import { messageOf, TillbridgeError } from './core/errors.js'
import { type StoreId, storeId, terminalId } from './core/ids.js'
import { openKernelClock } from './core/kernel-clock.js'
import type { Logger } from './core/log.js'
import { systemRandom } from './core/random.js'
import { RetrySchedule } from './core/retry-schedule.js'
import { softwareVersion } from './core/software.js'
import { StatusReporter } from './diagnostics/status-reporter.js'
import { type ClockState, decodeEvent } from './event/event.js'
import { JournalIngest } from './ingest/journal-ingest.js'
import type { Journal } from './journal/journal.js'
import { openJournal } from './journal/level-journal.js'
import { openJournalDatabase } from './journal/open-database.js'
import { SerialPortTransport } from './line/transport/serial-port.js'
import { TcpClient } from './line/transport/tcp-client.js'
import { TcpListener } from './line/transport/tcp-listener.js'
import type { Transport } from './line/transport/transport.js'
import { parseBrokerUrl } from './mqtt/broker-url.js'
import { MqttJsConnection } from './mqtt/mqtt-js-connection.js'
import type { Dialect, LineSettings } from './profile/dialect.js'
import { loadRegistry, type ProfileRegistry } from './profile/registry.js'
import { TerminalSession } from './terminal/session.js'
import { TerminalSupervisor } from './terminal/supervisor.js'
import { statusWill, Uplink } from './uplink/uplink.js'
import { encodeFanOut } from './wire/fan-out.js'
import type { JournalRecord } from './wire/record.js'
import { encodeStatus, type StoreStatus } from './wire/status.js'
import { type Topics, topicsUnder } from './wire/topics.js'

/** Time the uplink and the broker get to say farewell; the journal is safe without it. */
const FAREWELL_MS = 2_000
/** Waits between attempts to open a terminal's line. */
const LINE_RETRY = { firstMs: 500, maxMs: 30_000 } as const

/** What every room of one gateway shares. */
interface Shop {
  readonly config: ShopConfig
  readonly store: StoreId
  readonly topics: Topics
  readonly software: string
  readonly startedAt: string
  readonly clockState: () => ClockState
  readonly logger: Logger
}

/** A terminal of the configuration, and how it speaks. */
interface Spoken {
  readonly terminal: ShopConfig['terminals'][number]
  readonly dialect: Dialect
}

/**
 * The gateway of one shop, until the signal aborts: then terminals are finished with, the uplink
 * says farewell and the journal is closed. A defect anywhere rejects, once everything has stopped.
 * @throws TillbridgeError what keeps it from starting: TB_JOURNAL_…, TB_PROFILE_…,
 * TB_FIRMWARE_UNKNOWN, TB_BROKER_LISTEN
 */
export async function runGateway(options: {
  readonly config: ShopConfig
  readonly logger: Logger
  readonly signal: AbortSignal
}): Promise<void> {
  const { config, logger, signal } = options
  const shop: Shop = {
    config,
    logger,
    store: storeId(config.store),
    topics: topicsUnder(config.hq.topicRoot),
    software: softwareVersion(),
    startedAt: rfc3339(systemClock.wallMs(), config.timeZone),
    clockState: openKernelClock(),
  }
  const dialects = resolveDialects(config, await openRegistry(config))
  const database = await openShopDatabase(config)
  try {
    const broker = createBroker(shop)
    await broker?.start()
    try {
      // Last of all: every opening begins an epoch, and a start that fails should leave none.
      const journal = await openShopJournal(shop, database)
      try {
        const terminals = createTerminals({ shop, dialects, journal })
        await runRooms({ shop, journal, terminals, broker, signal })
      } finally {
        await journal.close()
      }
    } finally {
      await broker?.stop()
    }
  } finally {
    await database.close()
  }
  logger.info('stopped')
}

async function runRooms(options: {
  readonly shop: Shop
  readonly journal: Journal
  readonly terminals: TerminalSupervisor
  readonly broker: LocalBroker | undefined
  readonly signal: AbortSignal
}): Promise<void> {
  const { shop, journal, terminals, broker, signal } = options
  const { topics, store, logger } = shop
  const connection = createConnection(shop)
  const uplink = new Uplink({
    connection,
    journal,
    topics,
    store,
    mode: shop.config.hq.mode,
    software: shop.software,
    clock: systemClock,
    random: systemRandom,
    logger: logger.child({ room: 'uplink' }),
  })
  const reporter = new StatusReporter({
    compose: () => composeStatus({ shop, journal, terminals, uplink }),
    toShop: async status => {
      const payload = encodeStatus(status)
      await broker?.publish({ topic: topics.status(store), payload, retain: true })
    },
    toHq: status => uplink.publishStatus(status),
    clock: systemClock,
    logger: logger.child({ room: 'diagnostics' }),
  })
  const failed = new AbortController()
  const running = AbortSignal.any([signal, failed.signal])
  const silence = broker === undefined ? undefined : echoInShop({ shop, journal, broker })
  connection.onState(() => reporter.hqReconnected())
  connection.start()
  uplink.start()
  logger.info({ store, dataDir: shop.config.dataDir, epoch: journal.epoch }, 'selling')
  const rooms = [terminals.run(running), reporter.run(running)]
  try {
    await Promise.all(rooms)
  } finally {
    failed.abort()
    await Promise.allSettled(rooms)
    silence?.()
    await uplink.stop(FAREWELL_MS)
    await connection.stop(FAREWELL_MS)
  }
}

async function openRegistry(config: ShopConfig): Promise<ProfileRegistry> {
  const registry = await loadRegistry({ extraFolders: config.profiles })
  if (registry.ok) return registry.value
  throw new TillbridgeError('TB_PROFILE_INVALID', registry.error.join('\n'))
}

/** The dialect of each configured terminal. @throws TillbridgeError TB_PROFILE_…, TB_FIRMWARE_… */
function resolveDialects(config: ShopConfig, registry: ProfileRegistry): readonly Spoken[] {
  return config.terminals.map(terminal => {
    const dialect = registry.dialectOf(terminal)
    if (!dialect.ok) throw dialect.error
    return { terminal, dialect: dialect.value }
  })
}

/** Takes the lock of the data directory. */
async function openShopDatabase(config: ShopConfig): Promise<Database> {
  const directory = join(config.dataDir, 'journal')
  await mkdir(directory, { recursive: true }).catch(thrown => {
    throw new TillbridgeError('TB_DATA_FORBIDDEN', `${directory}: ${messageOf(thrown)}`)
  })
  return openJournalDatabase(directory)
}

async function openShopJournal(shop: Shop, database: Database): Promise<Journal> {
  return openJournal({
    database,
    clock: systemClock,
    random: systemRandom,
    store: shop.store,
    software: shop.software,
    bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
    clockState: shop.clockState,
    timeZone: shop.config.timeZone,
  })
}

function createTerminals(options: {
  readonly shop: Shop
  readonly dialects: readonly Spoken[]
  readonly journal: Journal
}): TerminalSupervisor {
  const { shop, dialects, journal } = options
  const { store, clockState, logger } = shop
  const ingest = new JournalIngest({ journal, logger: logger.child({ room: 'ingest' }) })
  const sessions = dialects.map(
    ({ terminal: { id, line }, dialect }) =>
      new TerminalSession({
        store,
        terminal: terminalId(id),
        timeZone: shop.config.timeZone,
        dialect,
        transport: createTransport(line, dialect.line),
        ingest: events => ingest.ingest(events),
        retry: new RetrySchedule({ ...LINE_RETRY, random: systemRandom }),
        clock: systemClock,
        random: systemRandom,
        clockState,
        logger: logger.child({ room: 'terminal', terminal: id }),
      }),
  )
  return new TerminalSupervisor(sessions)
}

function createTransport(line: LineConfig, dialect: LineSettings): Transport {
  const clock = systemClock
  switch (line.type) {
    case 'serial': {
      const { type: _, ...settings } = line
      return new SerialPortTransport({ ...dialect, ...settings, clock })
    }
    case 'tcp':
      return new TcpClient({ host: line.host, port: line.port, clock })
    case 'listen':
      return new TcpListener({ host: line.host, port: line.port, clock })
  }
}

function createConnection(shop: Shop): MqttJsConnection {
  const { config, store, topics, logger } = shop
  const { url, username, password, tls = {} } = config.hq
  const { host, port, secure } = parseBrokerUrl(url)
  const { caFile, certFile, keyFile, serverName } = tls
  return new MqttJsConnection({
    address: {
      host,
      port,
      clientId: `tillbridge-${store}`,
      username,
      ...(password === undefined ? {} : { password }),
      ...(secure
        ? {
            tls: {
              ...(caFile === undefined ? {} : { ca: readPem(caFile) }),
              ...(certFile === undefined ? {} : { cert: readPem(certFile) }),
              ...(keyFile === undefined ? {} : { key: readPem(keyFile) }),
              ...(serverName === undefined ? {} : { serverName }),
            },
          }
        : {}),
      will: statusWill({ topics, store }),
    },
    clock: systemClock,
    random: systemRandom,
    logger: logger.child({ room: 'mqtt' }),
  })
}

/** @throws TillbridgeError TB_CONFIG_UNREADABLE */
function readPem(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (thrown) {
    throw new TillbridgeError('TB_CONFIG_UNREADABLE', `${file}: ${messageOf(thrown)}`)
  }
}

function createBroker(shop: Shop): LocalBroker | undefined {
  const { config, store, logger } = shop
  if (config.broker === 'off') return undefined
  const { listen, clients } = config.broker
  const root = `${config.hq.topicRoot}/${store}`
  return new LocalBroker({
    id: `tillbridge-${store}`,
    listen,
    clients: clients.map(({ name, passwordHash, read, write }) => ({
      username: name,
      passwordHash,
      rules: { read, write },
    })),
    // Without credentials in the configuration, whoever reaches the address may listen and no more.
    ...(clients.length === 0
      ? { anonymous: { read: [`${root}/events/#`, `${root}/up/status`], write: [] } }
      : {}),
    random: systemRandom,
    logger: logger.child({ room: 'broker' }),
  })
}

/** Shop subscribers hear every event once it is journaled, on the topics HQ uses. */
function echoInShop(options: {
  readonly shop: Shop
  readonly journal: Journal
  readonly broker: LocalBroker
}): () => void {
  const { shop, journal, broker } = options
  const publish = async (record: JournalRecord): Promise<void> => {
    if (record.body.type !== 'event') return
    const event = decodeEvent(record.body.bytes)
    if (!event.ok) return
    const { store, terminal, type } = event.value
    await broker.publish({
      topic: shop.topics.event(store, terminal, type),
      payload: encodeFanOut({
        event: event.value,
        header: record.header,
        recordedMs: systemClock.wallMs(),
        historical: false,
      }),
    })
  }
  return journal.onAppended(records => {
    for (const record of records)
      publish(record).catch(thrown =>
        shop.logger.warn({ reason: messageOf(thrown) }, 'an event was not heard in the shop'),
      )
  })
}

function composeStatus(rooms: {
  readonly shop: Shop
  readonly journal: Journal
  readonly terminals: TerminalSupervisor
  readonly uplink: Uplink
}): StoreStatus {
  const { shop, journal, terminals, uplink } = rooms
  const { retention, ...records } = journal.statistics()
  const { mode } = shop.config.hq
  return {
    v: 1,
    online: true,
    store: shop.store,
    software: shop.software,
    mode,
    startedAt: shop.startedAt,
    epoch: journal.epoch,
    clock: shop.clockState(),
    journal: records,
    uplink: uplink.status,
    retention: mode === 'direct' ? 'direct' : retention,
    terminals: [...terminals.statuses],
  }
}
