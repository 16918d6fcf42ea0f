import { readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { ShopConfig } from '../config/schema.js'
import { systemClock } from '../core/clock.js'
import type { Database } from '../core/database.js'
import { messageOf, TillbridgeError } from '../core/errors.js'
import { systemRandom } from '../core/random.js'
import type { Journal } from '../journal/journal.js'
import { openJournal } from '../journal/level-journal.js'
import { openJournalDatabase } from '../journal/open-database.js'
import type { Shop } from './shop.js'

/** Takes the lock of the data directory. */
export async function openShopDatabase(config: ShopConfig): Promise<Database> {
  const directory = join(config.dataDir, 'journal')
  await mkdir(directory, { recursive: true }).catch(thrown => {
    throw new TillbridgeError('TB_DATA_FORBIDDEN', `${directory}: ${messageOf(thrown)}`)
  })
  return openJournalDatabase(directory)
}

export async function openShopJournal(shop: Shop, database: Database): Promise<Journal> {
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
