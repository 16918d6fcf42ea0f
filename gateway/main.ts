import { setMaxListeners } from 'node:events'
import type { LocalBroker } from './broker/local-broker.js'
import { createBroker, echoInShop } from './composition/broker.js'
import { createBuses } from './composition/buses.js'
import { createClockWatch } from './composition/clock-watch.js'
import { diagnosticVerbs } from './composition/diagnostics/verbs.js'
import { openRegistry, resolveDialects } from './composition/dialects.js'
import { openDocuments } from './composition/documents.js'
import { openDownlink } from './composition/downlink.js'
import { openHqLink } from './composition/hq-link.js'
import { createFactIngest } from './composition/ingest.js'
import {
  createMarkKeeper,
  createScrub,
  createSpaceKeeper,
  openShopJournal,
  openShopSpace,
  openShopStorage,
  watchDamage,
  watchMirror,
} from './composition/journal.js'
import { createCableWatch, createWatchdogs, serveMetrics } from './composition/metrics.js'
import { copyStatements, createNotary } from './composition/notary.js'
import {
  ProfileReload,
  type ProfileReloadOptions,
  type ReloadRequests,
} from './composition/profile-reload.js'
import { profileSource } from './composition/profile-source.js'
import { Reparser } from './composition/reparse.js'
import { StartTest, type StartTestOptions, selfTestDialect } from './composition/self-test.js'
import { type ConfigPlace, createShop, type Shop } from './composition/shop.js'
import { composeStatus, createStatusReporter } from './composition/status.js'
import { createTerminals } from './composition/terminals.js'
import { createUpdateGuard } from './composition/updates.js'
import { createUplink } from './composition/uplink.js'
import type { ShopConfig } from './config/schema.js'
import { systemClock } from './core/clock.js'
import type { Logger } from './core/log.js'
import { systemRandom } from './core/random.js'
import type { Trial } from './core/release.js'
import type { ServiceManager } from './core/service-manager.js'
import { AlarmLog } from './diagnostics/alarm-log.js'
import type { ClockWatch } from './diagnostics/clock-watch.js'
import type { LogRing } from './diagnostics/log-ring.js'
import type { UpdateGuard } from './diagnostics/update-guard.js'
import type { FactIngest } from './ingest/fact-ingest.js'
import { JournalIngest } from './ingest/journal-ingest.js'
import type { Journal } from './journal/journal.js'
import type { MirrorKeeper } from './journal/mirror-keeper.js'
import type { Notary } from './journal/notary.js'
import type { SpaceKeeper } from './journal/space-keeper.js'
import { openKeyedDigest } from './security/keyed-digest.js'
import { openStoreKey, type StoreKey } from './security/store-key.js'
import type { TerminalSupervisor } from './terminal/supervisor.js'
import type { StoreStatus } from './wire/status.js'

/** Time the uplink and the broker get to say farewell; the journal is safe without it. */
const FAREWELL_MS = 2_000

interface GatewayOptions {
  readonly config: ShopConfig
  readonly logger: Logger
  /** What it wrote last, for remote diagnostics. */
  readonly logs: LogRing
  readonly signal: AbortSignal
  /** Who started this process and wants to hear how it is, if anybody does. */
  readonly manager?: ServiceManager | undefined
  /** Who puts the version before in this one's place where it does not sell, if anybody does. */
  readonly trial?: Trial | undefined
  /** Who may ask for the profiles to be loaded anew, beside their folders. */
  readonly reloadRequests: ReloadRequests
  /** Where a configuration that HQ sends is put. */
  readonly configPlace?: ConfigPlace
}

/**
 * The gateway of one shop, until the signal aborts: then terminals are finished with, the uplink
 * says farewell and the journal is closed. A defect anywhere rejects, once everything has stopped.
 * @throws TillbridgeError what keeps it from starting: TB_JOURNAL_…, TB_PROFILE_…,
 * TB_FIRMWARE_UNKNOWN, TB_ADDRESS_UNKNOWN, TB_BUS_SETTINGS, TB_BROKER_…
 */
export async function runGateway(options: GatewayOptions): Promise<void> {
  const { config, logger, manager, trial, reloadRequests: requests } = options
  const over = new AbortController()
  const running = AbortSignal.any([options.signal, over.signal])
  const shop = createShop(options)
  const source = profileSource(config)
  const registry = await openRegistry(source)
  const dialects = resolveDialects(config, registry)
  const buses = createBuses(shop, dialects)
  const space = await openShopSpace(config)
  const { storage, mirror } = await openShopStorage({ config, logger })
  try {
    const storeKey = await openStoreKey(config.dataDir, systemRandom)
    const { broker, publishLines } = createBroker(shop)
    await broker?.start()
    try {
      // Last of all: every opening begins an epoch, and a start that fails should leave none.
      const journal = await openShopJournal(shop, { storage, mirror, space })
      const mark = createMarkKeeper({ shop, journal, storage })
      const scrub = createScrub({ shop, journal })
      try {
        const ingest = new JournalIngest({ journal, logger: logger.child({ room: 'ingest' }) })
        const alarms = createAlarms({ shop, journal, ingest })
        const facts = createFactIngest({ shop, journal, ingest, alarms })
        const updates = createUpdateGuard({ shop, journal, alarms })
        const heard = {
          ...{ shop, alarms, keyedDigest: await openKeyedDigest(config.dataDir, systemRandom) },
          ingest: (...given: Parameters<FactIngest['ingest']>) => facts.ingest(...given),
        }
        const terminals = createTerminals({
          ...{ ...heard, dialects },
          isClosing: () => running.aborted || updates.isClosing,
          lines: { buses, publishLines },
          fragments: source => ingest.fragments(source),
        })
        const selfTest = { ...heard, journal, space, dialect: selfTestDialect(registry), trial }
        await watchDamage({ journal, storage, alarms })
        watchMirror(mirror, alarms)
        mark.start()
        scrub.start()
        const notary = createNotary({ shop, journal, storeKey, alarms })
        const keeper = createSpaceKeeper({ shop, journal, space, alarms })
        const clockWatch = createClockWatch(shop, ingest)
        const watches = { mirror, keeper, alarms, clockWatch, notary }
        const profiles = { source, spoken: dialects, requests, ingest }
        const rooms = { shop, journal, watches, facts, terminals, profiles, broker, updates }
        await runRooms({ ...rooms, storeKey, selfTest, manager, running, end: () => over.abort() })
        await facts.stop()
      } finally {
        await scrub.stop()
        await mirror?.stop()
        await journal.close()
        await mark.stop()
      }
    } finally {
      await broker?.stop()
    }
  } finally {
    await storage.close()
  }
  logger.info('stopped')
}

/** What runs until the shop is told to stop. */
interface Running {
  readonly shop: Shop
  readonly storeKey: StoreKey
  readonly journal: Journal
  readonly watches: {
    readonly mirror: MirrorKeeper | undefined
    readonly keeper: SpaceKeeper
    readonly alarms: AlarmLog
    readonly clockWatch: ClockWatch
    readonly notary: Notary
  }
  readonly facts: FactIngest
  readonly terminals: TerminalSupervisor
  readonly profiles: Pick<ProfileReloadOptions, 'source' | 'spoken' | 'requests'> & {
    readonly ingest: JournalIngest
  }
  readonly broker: LocalBroker | undefined
  readonly updates: UpdateGuard
  readonly selfTest: Omit<StartTestOptions, 'uplink'>
  readonly manager: ServiceManager | undefined
  readonly running: AbortSignal
  readonly end: () => void
}

async function runRooms(options: Running): Promise<void> {
  const { shop, journal, watches, facts, terminals, profiles, broker, updates, running } = options
  const { keeper, alarms, clockWatch, notary } = watches
  const { ingest, ...reloading } = profiles
  const reload = new ProfileReload({ shop, terminals, alarms, ...reloading })
  const reparser = new Reparser({ shop, journal, ingest, terminals, source: profiles.source })
  const { store, logger } = shop
  const { connection, ...link } = openHqLink({ ...options, alarms })
  const uplink = createUplink({ shop, journal, connection })
  const cables = createCableWatch({ terminals, alarms })
  const verbs = diagnosticVerbs({
    ...{ shop, journal, cables, spoken: profiles.spoken, clockWatch },
    status: () => status(),
    restart: options.end,
  })
  const heard = { terminals, verbs, spoken: profiles.spoken }
  const commanded = { shop, journal, connection, facts, updates, alarms, ...heard }
  const downlink = await openDownlink(commanded)
  const documents = await openDocuments({ ...commanded, broker, reload, restart: options.end })
  const status = (): StoreStatus =>
    composeStatus({ shop, journal, ...watches, terminals, uplink, downlink, documents })
  const reporter = createStatusReporter({ shop, broker, uplink, compose: status })
  const stopMetrics = await serveMetrics({ shop, journal, terminals, status })
  const lines = new AbortController()
  for (const signal of [running, lines.signal]) setMaxListeners(0, signal)
  const silence = broker === undefined ? undefined : echoInShop({ shop, journal, broker })
  const stopCopying = copyStatements({ shop, journal, connection })
  connection.onState(() => reporter.hqReconnected())
  for (const room of [connection, uplink, downlink, documents, notary]) room?.start()
  logger.info({ store, dataDir: shop.config.dataDir, epoch: journal.epoch }, 'selling')
  const watchdogs = createWatchdogs(shop, options.manager)
  const test = new StartTest({ ...options.selfTest, uplink })
  const selling = test.honest(lines.signal).then(() => terminals.run(lines.signal))
  const rooms = [test, reload, reparser, keeper, clockWatch, cables, reporter, updates]
  const work = [...rooms, ...link.rooms, ...watchdogs].map(room => room.run(running))
  try {
    const rest = Promise.all(work)
    // One terminal's defect ends them all.
    await Promise.race([rest, selling.then(() => rest)])
  } finally {
    options.end()
    await Promise.allSettled(work)
    await stopMetrics()
    // Terminals are told to wait as long as HQ is told farewell; what runs on a line ends with it.
    const farewell = uplink.stop(FAREWELL_MS).finally(() => lines.abort())
    await allDone([farewell, selling, downlink?.stop(), documents?.stop()])
    downlink?.stopRules()
    await notary.stop()
    silence?.()
    stopCopying()
    link.stop()
    await connection.stop(FAREWELL_MS)
  }
}

/** All of them, also where one fails. */
async function allDone(tasks: readonly (Promise<void> | undefined)[]): Promise<void> {
  await Promise.allSettled(tasks)
  await Promise.all(tasks)
}

function createAlarms(rooms: {
  readonly shop: Shop
  readonly journal: Journal
  readonly ingest: JournalIngest
}): AlarmLog {
  const { shop, journal, ingest } = rooms
  const alarms = new AlarmLog({
    journal: async event => (await ingest.ingest([event])).type !== 'refused',
    store: shop.store,
    timeZone: shop.config.timeZone,
    clock: systemClock,
    random: systemRandom,
    clockState: shop.clockState,
    logger: shop.logger.child({ room: 'diagnostics' }),
  })
  // A write that succeeded says that the disk takes writes again.
  journal.onAppended(() => void alarms.retry())
  return alarms
}
