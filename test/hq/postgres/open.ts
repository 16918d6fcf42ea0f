import { systemRandom } from '../../../gateway/core/random.js'
import type { Ledger } from '../../../gateway/hq/ledger.js'
import { openPostgresLedger } from '../../../gateway/hq/postgres/postgres-ledger.js'
import { NOON_MS, wallClock } from '../../support/sample.js'

export function ledgerAt(url: string, now = { wallMs: NOON_MS }): Promise<Ledger> {
  return openPostgresLedger({ url, clock: wallClock(now), random: systemRandom })
}
