import { Command } from 'commander'
import { readClaims } from '../../core/claims.js'
import type { Database } from '../../core/database.js'
import { TillbridgeError } from '../../core/errors.js'
import { isStoreId, type StoreId } from '../../core/ids.js'
import { identityHash, identityOf } from '../../event/event-identity.js'
import type { LedgerRow } from '../../hq/ledger.js'
import { encodeRow } from '../../hq/query-server.js'
import type { JournalCopy } from '../../journal/journal-copy.js'
import { claimKey } from '../../journal/keys.js'
import { scanRecords } from '../../journal/record-scan.js'
import type { JournalRecord } from '../../wire/record.js'
import { describeSlot, lookAtJournal } from '../evidence.js'
import { EXIT, type ExitCode } from '../exit-codes.js'
import type { CliIo } from '../io.js'
import { type RangeFlags, rangeOf, rangeOptions } from './journal-list.js'

/** `tillbridge journal export`: what `tillbridge hq export` prints of a ledger, of a journal. */
export function journalExportCommand(io: CliIo): Command {
  return rangeOptions(new Command('export'))
    .description('print records as NDJSON with their exact bytes, as `tillbridge hq export` does')
    .action(async (dir: string, flags: RangeFlags) => {
      const range = rangeOf(flags, io)
      await lookAtJournal({ io, path: dir }, (journal, signal) =>
        exportJournal({ io, journal, range, signal }),
      )
    })
}

async function exportJournal(options: {
  readonly io: CliIo
  readonly journal: JournalCopy
  readonly range: ReturnType<typeof rangeOf>
  readonly signal: AbortSignal
}): Promise<ExitCode> {
  const { io, journal, range, signal } = options
  const { database } = journal
  const store = await storeOf(database)
  let position = 0
  let isWhole = true
  for await (const scanned of scanRecords({ database, ...range })) {
    if (signal.aborted) break
    if (scanned.type === 'unreadable') {
      io.complain(`${describeSlot(scanned.slot)}: ${scanned.reason}`)
      isWhole = false
      continue
    }
    position += 1
    const { record, wallMs } = scanned
    const { header, hash, body } = record
    const row = {
      position,
      store,
      kind: await kindOf(database, record),
      historical: false,
      recordedMs: wallMs,
      hash,
      header,
      event: body.type === 'event' ? body.bytes : undefined,
    }
    io.print(encodeRow(row))
  }
  return isWhole ? EXIT.ok : EXIT.findings
}

/** Every event says it, evicted records do not. */
async function storeOf(database: Database): Promise<StoreId> {
  for await (const scanned of scanRecords({ database })) {
    const body = scanned.type === 'record' ? scanned.record.body : undefined
    const identity = body?.type === 'event' ? identityOf(body.bytes) : undefined
    if (identity?.ok && isStoreId(identity.value.store)) return identity.value.store
  }
  throw new TillbridgeError('TB_JOURNAL_UNREADABLE', 'no record says of which store it is')
}

/** As the ledger will call it: a conflict contradicts what was journaled first under its id. */
async function kindOf(database: Database, { body }: JournalRecord): Promise<LedgerRow['kind']> {
  if (body.type === 'evicted') return 'evicted'
  const identity = identityOf(body.bytes)
  if (!identity.ok) return 'event'
  const claim = { key: claimKey(identityHash(identity.value)), digest: identity.value.dataDigest }
  const first = (await readClaims(database, [claim])).find(({ isFirst }) => isFirst)
  return first === undefined || first.digest === claim.digest ? 'event' : 'conflict'
}
