import type { Database } from '../../gateway/core/database.js'
import { systemRandom } from '../../gateway/core/random.js'
import type { Ledger } from '../../gateway/hq/ledger.js'
import { openLedgerDatabase, openLevelLedger } from '../../gateway/hq/level-ledger.js'
import { NOON_MS, wallClock } from '../support/sample.js'

export function ledgerOver(database: Database, now = { wallMs: NOON_MS }): Promise<Ledger> {
  const clock = wallClock(now)
  return openLevelLedger({ database, clock, random: systemRandom })
}

export async function ledgerIn(directory: string, now?: { wallMs: number }): Promise<Ledger> {
  return ledgerOver(await openLedgerDatabase(directory), now)
}
