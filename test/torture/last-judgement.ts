import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { LIMITS } from '../../gateway/core/limits.js'
import type { Journal } from '../../gateway/journal/journal.js'
import { encodeBatch, makeBatch } from '../../gateway/wire/batch.js'
import { openKept } from '../journal/open-storage.js'
import { STORE } from '../support/sample.js'
import type { Headquarters } from './headquarters.js'
import { type TorturedShop, tillsOf } from './tortured-shop.js'

const CHECKER = new URL('../../gateway/simulator/ledger-checker.js', import.meta.url).pathname

const NOT_LOST = 'all of them are here'

/**
 * Lets all that the journal still holds go to HQ, over real batches and receipts, and has the
 * checker judge HQ's rows alone, as the program that a user would start. Gives its findings.
 */
export async function lastJudgement(options: {
  /** Holds the tills' logs; HQ's rows are put there, too. */
  readonly directory: string
  /** The data directory. */
  readonly data: string
  readonly shop: TorturedShop
}): Promise<readonly string[]> {
  const { directory, data, shop } = options
  const { journal, close } = await openKept(data)
  try {
    await drain(journal, shop.headquarters)
  } finally {
    await close()
  }
  const ledger = join(directory, 'rows.ndjson')
  const rows = await shop.headquarters.rows()
  writeFileSync(ledger, rows.map(row => `${row}\n`).join(''))
  const args = [CHECKER, '--tills', tillsOf(directory), '--ledger', ledger]
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  // A recovery may call lost what was trimmed; HQ knows better.
  const alarms = shop.headquarters.alarms.filter(alarm => !alarm.includes(NOT_LOST))
  return status === 0 ? alarms : [...alarms, stdout, stderr]
}

/** What an uplink does once the line is back, without the line. */
async function drain(journal: Journal, headquarters: Headquarters): Promise<void> {
  for (;;) {
    const waiting = journal.epochs().find(({ pending }) => pending.length > 0)
    const [range] = waiting?.pending ?? []
    if (waiting === undefined || range === undefined) return
    const [first, end] = range
    const last = Math.min(end, first + LIMITS.batchRecords - 1)
    const read = { epoch: waiting.epoch, first, last, maxBytes: LIMITS.batchBytes }
    const { previous, records } = await journal.read(read)
    const batch = makeBatch({ store: STORE, previous, records, historical: true })
    await journal.confirm(await headquarters.take(await encodeBatch(batch)))
  }
}
