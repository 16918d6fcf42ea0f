import { mkdir } from 'node:fs/promises'
import type { ShopConfig } from '../config/schema.js'
import { systemClock } from '../core/clock.js'
import { messageOf, TillbridgeError } from '../core/errors.js'
import { storeId } from '../core/ids.js'
import type { Logger } from '../core/log.js'
import { systemRandom } from '../core/random.js'
import type { AlarmLog } from '../diagnostics/alarm-log.js'
import { StorageAlarms } from '../diagnostics/storage-alarms.js'
import { decodeEvent } from '../event/event.js'
import type { Journal } from '../journal/journal.js'
import { journalPaths } from '../journal/journal-folder.js'
import { type JournalStorage, openJournalStorage } from '../journal/journal-storage.js'
import { openJournal } from '../journal/level-journal.js'
import { MarkKeeper } from '../journal/mark-keeper.js'
import { MirrorKeeper } from '../journal/mirror-keeper.js'
import { MirrorSource } from '../journal/mirror-source.js'
import type { Recovery } from '../journal/recovery.js'
import { Scrub } from '../journal/scrub.js'
import { JournalSpace } from '../journal/space.js'
import { SpaceKeeper } from '../journal/space-keeper.js'
import { DirectoryVolume } from '../journal/volume.js'
import type { JournalRecord } from '../wire/record.js'
import { bootId } from './boot-id.js'
import type { Shop } from './shop.js'

/** The data directory, made where there is none, and its disk: with room to open a database. */
export async function openShopSpace(config: ShopConfig): Promise<JournalSpace> {
  const { dataDir } = config
  const { journal } = journalPaths(dataDir)
  await mkdir(journal, { recursive: true }).catch(thrown => {
    throw new TillbridgeError('TB_DATA_FORBIDDEN', `${journal}: ${messageOf(thrown)}`)
  })
  const volume = new DirectoryVolume({ dataDir, journal, random: systemRandom })
  const space = await JournalSpace.open({ volume, settings: config.journal, clock: systemClock })
  await space.makeWay()
  return space
}

/** What the journal's database stands on. */
export interface ShopStorage {
  readonly storage: JournalStorage
  /** With `journal.copy` alone. */
  readonly mirror: MirrorKeeper | undefined
}

/**
 * Takes the lock of the data directory; recovers the journal where it is damaged, and restores it
 * from its second copy where it is lost.
 */
export async function openShopStorage(options: {
  readonly config: ShopConfig
  readonly logger: Logger
}): Promise<ShopStorage> {
  const { dataDir, store, journal } = options.config
  const shared = { clock: systemClock, logger: options.logger.child({ room: 'journal' }) }
  const { copy: path } = journal
  if (path === undefined)
    return { storage: await openJournalStorage({ dataDir, ...shared }), mirror: undefined }
  const copy = new MirrorSource({ place: { path, dataDir, store: storeId(store) }, ...shared })
  const storage = await openJournalStorage({ dataDir, copy, ...shared })
  try {
    return { storage, mirror: await MirrorKeeper.open({ first: storage, source: copy, ...shared }) }
  } catch (thrown) {
    await storage.close()
    throw thrown
  }
}

/** Says by an alarm when records stand on one medium alone. */
export function watchMirror(mirror: MirrorKeeper | undefined, alarms: AlarmLog): void {
  mirror?.start(report => {
    if (report.state === 'both') alarms.clear('single-copy')
    else alarms.raise('single-copy', `The second copy is not written: ${report.reason}.`)
  })
}

export async function openShopJournal(
  shop: Shop,
  disk: ShopStorage & { readonly space: JournalSpace },
): Promise<Journal> {
  const { storage, mirror, space } = disk
  return openJournal({
    database: mirror?.database ?? storage,
    space,
    quarantine: () => storage.quarantine(),
    clock: systemClock,
    random: systemRandom,
    store: shop.store,
    software: shop.software,
    bootId: bootId(),
    clockState: shop.clockState,
    timeZone: shop.config.timeZone,
    isStated: true,
  })
}

/** Looks after the disk and says what it finds by alarms. */
export function createSpaceKeeper(rooms: {
  readonly shop: Shop
  readonly journal: Journal
  readonly space: JournalSpace
  readonly alarms: AlarmLog
}): SpaceKeeper {
  const { shop, journal, space, alarms } = rooms
  const { clockState } = shop
  const storageAlarms = new StorageAlarms({ alarms, clock: systemClock, clockState })
  return new SpaceKeeper({
    journal,
    space,
    clock: systemClock,
    logger: shop.logger.child({ room: 'journal' }),
    onReport: report => {
      const { oldestUnconfirmed } = journal.statistics()
      const oldest = oldestUnconfirmed === undefined ? {} : { oldestUnconfirmed }
      storageAlarms.note({ ...report, ...oldest })
    },
  })
}

export function createMarkKeeper(rooms: {
  readonly shop: Shop
  readonly journal: Journal
  readonly storage: JournalStorage
}): MarkKeeper {
  const { shop, journal, storage } = rooms
  return new MarkKeeper({
    journal,
    path: storage.paths.mark,
    isSuspect: () => storage.isSuspect,
    clock: systemClock,
    logger: shop.logger.child({ room: 'journal' }),
  })
}

/** Finds what was damaged on the disk before HQ asks for it. */
export function createScrub(rooms: { readonly shop: Shop; readonly journal: Journal }): Scrub {
  const { shop, journal } = rooms
  const logger = shop.logger.child({ room: 'journal' })
  return new Scrub({ journal, clock: systemClock, logger })
}

/**
 * What was lost rings; and while something lies in quarantine someone has to look at it. Resolves
 * when what recovery could not name in the journal itself is named.
 */
export async function watchDamage(rooms: {
  readonly journal: Journal
  readonly storage: JournalStorage
  readonly alarms: AlarmLog
}): Promise<void> {
  const { journal, storage, alarms } = rooms
  const strangers = storage.recoveries.flatMap(recovery => recovery.strangers)
  journal.onAppended(records => {
    for (const record of records) raiseGap(alarms, record)
  })
  for (const recovery of storage.recoveries) raiseRecovery(alarms, recovery)
  const kept = await storage.quarantined()
  if (kept.length > 0)
    alarms.raise(
      'journal-damaged',
      `Damaged files lie in quarantine (${kept.length}, the newest ${kept.at(-1)}): ` +
        'copy them away, look after the disk, then remove them. See docs/reliability.md.',
    )
  if (strangers.length > 0) await journal.nameGaps(strangers)
}

function raiseRecovery(alarms: AlarmLog, recovery: Recovery): void {
  const { source, cause, folder, records, gaps } = recovery
  if (source === 'copy') {
    const old = folder === undefined ? '' : ` What was there is in ${folder}.`
    const text = `Restored from the second copy: ${records} records.${old} ${cause}`
    alarms.raise('journal-damaged', text)
    return
  }
  const lost = gaps.reduce((sum, { first, last }) => sum + last - first + 1, 0)
  const files = folder === undefined ? '' : `, files in ${folder}`
  const text = `Recovered: ${records} records kept, ${lost} lost${files}. ${cause}`
  if (gaps.some(({ kind }) => kind === 'tail-lost')) alarms.raise('tail-lost', text)
  if (folder !== undefined) alarms.raise('journal-damaged', text)
}

function raiseGap(alarms: AlarmLog, { header, body }: JournalRecord): void {
  if (header.type !== 'journal.gap' || body.type !== 'event') return
  const event = decodeEvent(body.bytes)
  if (!event.ok || event.value.type !== 'journal.gap') return
  const { epoch, first, last, kind, cause } = event.value.data
  const name = kind === 'tail-lost' ? 'tail-lost' : 'journal-damaged'
  alarms.raise(name, `Records ${first} to ${last} of epoch ${epoch} are lost: ${cause}.`)
}
