import { type Claim, Claims } from '../core/claims.js'
import type { Database, Operation } from '../core/database.js'
import { identityHash, identityOf } from '../event/event-identity.js'
import type { Batch } from '../wire/batch.js'
import type { JournalRecord } from '../wire/record.js'
import { type Audit, auditBatch, auditEnd, readStart } from './chain-audit.js'
import { loadChain, loadPlaces, storeChain } from './chain-store.js'
import type { CommitResult, LedgerRow } from './ledger.js'
import { claimKey, numberBytes, placeKey } from './ledger-keys.js'
import { storeRow } from './ledger-row.js'

/** Everything that makes a batch durable, for one write; nothing where it all stood already. */
export interface CommitPlan {
  readonly result: CommitResult
  readonly operations: readonly Operation[]
  /** Positions used. */
  readonly rows: number
}

export interface CommitOptions {
  readonly database: Database
  readonly batch: Batch
  /** Position of the first row to be written. */
  readonly position: number
  readonly recordedMs: number
}

export async function planCommit(options: CommitOptions): Promise<CommitPlan> {
  const { database, batch } = options
  const { store, epoch, first, count } = batch.header
  const range = { store, epoch, first, last: first + count - 1 }
  const places = await loadPlaces(database, range)
  const fresh = batch.records.filter(
    ({ header, hash }) => places.get(header.seq)?.has(hash) !== true,
  )
  const repeated = count - fresh.length
  if (fresh.length === 0)
    return {
      result: { stored: 0, duplicates: 0, conflicts: 0, repeated, alarms: [] },
      operations: [],
      rows: 0,
    }
  const rows = await planRows({ ...options, fresh })
  const chain = await loadChain(database, { store, epoch })
  const own = auditBatch({ chain, batch, fresh, places })
  const start = readStart(batch, fresh)
  const before = start.previous && (await auditPrevious(options, start.previous))
  const audits = before === undefined ? [own] : [own, before]
  const operations = [...rows.operations, ...audits.map(({ chain }) => storeChain(store, chain))]
  const alarms = [...rows.alarms, ...start.alarms, ...audits.flatMap(audit => audit.alarms)]
  const of = (kind: LedgerRow['kind']): number => rows.kinds.filter(each => each === kind).length
  const result = {
    stored: of('event') + of('evicted'),
    duplicates: of('duplicate'),
    conflicts: of('conflict'),
    repeated,
    alarms,
  }
  return { result, operations, rows: fresh.length }
}

async function auditPrevious(
  { database, batch }: CommitOptions,
  previous: NonNullable<ReturnType<typeof readStart>['previous']>,
): Promise<Audit> {
  const { store } = batch.header
  const { epoch, end } = previous
  const chain = await loadChain(database, { store, epoch })
  const places = await loadPlaces(database, { store, epoch, first: end.last, last: end.last })
  return auditEnd({ store, chain, end, hashes: [...(places.get(end.last) ?? [])] })
}

/** Which event a record brings, or why that cannot be said; evicted records bring none. */
interface Sighting {
  readonly record: JournalRecord
  readonly claim?: Claim
  readonly alarm?: string
}

async function planRows(options: CommitOptions & { readonly fresh: readonly JournalRecord[] }) {
  const { database, batch, fresh, recordedMs } = options
  const { store, historical } = batch.header
  const sightings = fresh.map(record => sight(batch, record))
  const known = sightings.flatMap(({ claim }) => (claim === undefined ? [] : [claim]))
  const claims = await Claims.load(database, known)
  const operations: Operation[] = []
  const kinds: LedgerRow['kind'][] = []
  for (const [index, { record, claim }] of sightings.entries()) {
    const position = options.position + index
    const kind = kindOf(record, claim === undefined ? undefined : claims.judge(claim).type)
    if (claim !== undefined && kind !== 'duplicate')
      claims.hold({ ...claim, place: numberBytes(position) })
    const { hash, header } = record
    const note = { store, kind, hash, historical, recordedMs }
    const key = placeKey({ store, epoch: header.epoch, seq: header.seq, hash })
    operations.push(storeRow({ position, note, record }))
    operations.push({ type: 'put', key, value: numberBytes(position) })
    kinds.push(kind)
  }
  // One text is enough to send someone to look; a store that lies could fill a log with them.
  const alarms = sightings.flatMap(({ alarm }) => (alarm === undefined ? [] : [alarm])).slice(0, 1)
  return { kinds, alarms, operations: [...operations, ...claims.operations] }
}

function sight(batch: Batch, record: JournalRecord): Sighting {
  const { header, body } = record
  if (body.type === 'evicted') return { record }
  const { store } = batch.header
  const where = `store ${store}, epoch ${header.epoch}, record ${header.seq}`
  const identity = identityOf(body.bytes)
  if (!identity.ok) return { record, alarm: `${where} holds no event: ${identity.error}` }
  // Dedupe memory is the store's own, so that no store can claim the events of another.
  const key = claimKey(store, identityHash(identity.value))
  const claim = { key, digest: identity.value.dataDigest }
  const foreign = `${where} holds an event that claims to be of another store.`
  return identity.value.store === store ? { record, claim } : { record, claim, alarm: foreign }
}

function kindOf(
  record: JournalRecord,
  judged: 'new' | 'duplicate' | 'conflict' | undefined,
): LedgerRow['kind'] {
  if (record.body.type === 'evicted') return 'evicted'
  return judged === undefined || judged === 'new' ? 'event' : judged
}
