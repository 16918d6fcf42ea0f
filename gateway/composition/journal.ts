import { readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { ShopConfig } from '../config/schema.js'
import { systemClock } from '../core/clock.js'
import type { Database } from '../core/database.js'
import { messageOf, TillbridgeError } from '../core/errors.js'
import { systemRandom } from '../core/random.js'
import type { AlarmLog } from '../diagnostics/alarm-log.js'
import { StorageAlarms } from '../diagnostics/storage-alarms.js'
import type { Journal } from '../journal/journal.js'
import { openJournal } from '../journal/level-journal.js'
import { openJournalDatabase } from '../journal/open-database.js'
import { JournalSpace } from '../journal/space.js'
import { SpaceKeeper } from '../journal/space-keeper.js'
import { DirectoryVolume } from '../journal/volume.js'
import type { Shop } from './shop.js'

/** The data directory, made where there is none, and its disk: with room to open a database. */
export async function openShopSpace(config: ShopConfig): Promise<JournalSpace> {
  const { dataDir } = config
  const journal = journalDirectory(config)
  await mkdir(journal, { recursive: true }).catch(thrown => {
    throw new TillbridgeError('TB_DATA_FORBIDDEN', `${journal}: ${messageOf(thrown)}`)
  })
  const volume = new DirectoryVolume({ dataDir, journal, random: systemRandom })
  const space = await JournalSpace.open({ volume, settings: config.journal, clock: systemClock })
  await space.makeWay()
  return space
}

/** Takes the lock of the data directory. */
export async function openShopDatabase(config: ShopConfig): Promise<Database> {
  return openJournalDatabase(journalDirectory(config))
}

export async function openShopJournal(
  shop: Shop,
  disk: { readonly database: Database; readonly space: JournalSpace },
): Promise<Journal> {
  return openJournal({
    ...disk,
    clock: systemClock,
    random: systemRandom,
    store: shop.store,
    software: shop.software,
    bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
    clockState: shop.clockState,
    timeZone: shop.config.timeZone,
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

function journalDirectory(config: ShopConfig): string {
  return join(config.dataDir, 'journal')
}
