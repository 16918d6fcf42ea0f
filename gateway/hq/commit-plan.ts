import { type Claim, Claims, type KnownClaim } from '../core/claims.js'
import type { StoreId } from '../core/ids.js'
import { identityHash, identityOf } from '../event/event-identity.js'
import type { Batch } from '../wire/batch.js'
import type { JournalRecord } from '../wire/record.js'
import { type Audit, auditBatch, auditEnd, readStart } from './chain-audit.js'
import type { ChainState } from './chain-state.js'
import type { CommitResult, LedgerRow } from './ledger.js'
import type { LedgerMemory } from './ledger-memory.js'

export interface PlannedRow {
  readonly record: JournalRecord
  readonly kind: LedgerRow['kind']
  /** What the dedupe memory must keep of it. */
  readonly claim?: KnownClaim
}

/** Everything that makes a batch durable, for one write; nothing where it all stood already. */
export interface CommitPlan {
  readonly result: CommitResult
  /** In the order of their positions. */
  readonly rows: readonly PlannedRow[]
  /** Chains as they are from now on: of the batch's epoch first. */
  readonly chains: readonly ChainState[]
}

/** What a commit does to a ledger, whichever database is behind it. */
export async function planCommit(memory: LedgerMemory, batch: Batch): Promise<CommitPlan> {
  const { store, epoch, first, count } = batch.header
  const places = await memory.places({ store, epoch, first, last: first + count - 1 })
  const fresh = batch.records.filter(
    ({ header, hash }) => places.get(header.seq)?.has(hash) !== true,
  )
  const repeated = count - fresh.length
  if (fresh.length === 0)
    return {
      result: { stored: 0, duplicates: 0, conflicts: 0, repeated, alarms: [] },
      rows: [],
      chains: [],
    }
  const { rows, alarms } = await planRows({ memory, batch, fresh })
  const chain = await memory.chain(store, epoch)
  const own = auditBatch({ chain, batch, fresh, places })
  const start = readStart(batch, fresh)
  const before = start.previous && (await auditPrevious(memory, { store, ...start.previous }))
  const audits = before === undefined ? [own] : [own, before]
  const of = (kind: LedgerRow['kind']): number => rows.filter(row => row.kind === kind).length
  const result = {
    stored: of('event') + of('evicted'),
    duplicates: of('duplicate'),
    conflicts: of('conflict'),
    repeated,
    alarms: [...alarms, ...start.alarms, ...audits.flatMap(audit => audit.alarms)],
  }
  return { result, rows, chains: audits.map(({ chain }) => chain) }
}

async function auditPrevious(
  memory: LedgerMemory,
  previous: NonNullable<ReturnType<typeof readStart>['previous']> & { readonly store: StoreId },
): Promise<Audit> {
  const { store, epoch, end } = previous
  const chain = await memory.chain(store, epoch)
  const places = await memory.places({ store, epoch, first: end.last, last: end.last })
  return auditEnd({ store, chain, end, hashes: [...(places.get(end.last) ?? [])] })
}

/** Which event a record brings, or why that cannot be said; evicted records bring none. */
interface Sighting {
  readonly record: JournalRecord
  readonly claim?: Claim
  readonly alarm?: string
}

async function planRows(options: {
  readonly memory: LedgerMemory
  readonly batch: Batch
  readonly fresh: readonly JournalRecord[]
}) {
  const { memory, batch, fresh } = options
  const sightings = fresh.map(record => sight(batch, record))
  const seen = sightings.flatMap(({ claim }) => (claim === undefined ? [] : [claim]))
  const claims = new Claims(await memory.claims(batch.header.store, seen))
  const rows = sightings.map(({ record, claim }): PlannedRow => {
    if (record.body.type === 'evicted') return { record, kind: 'evicted' }
    if (claim === undefined) return { record, kind: 'event' }
    const judged = claims.judge(claim).type
    if (judged === 'duplicate') return { record, kind: judged }
    return { record, kind: judged === 'new' ? 'event' : judged, claim: claims.hold(claim) }
  })
  // One text is enough to send someone to look; a store that lies could fill a log with them.
  const alarms = sightings.flatMap(({ alarm }) => (alarm === undefined ? [] : [alarm])).slice(0, 1)
  return { rows, alarms }
}

function sight(batch: Batch, record: JournalRecord): Sighting {
  const { header, body } = record
  if (body.type === 'evicted') return { record }
  const { store } = batch.header
  const where = `store ${store}, epoch ${header.epoch}, record ${header.seq}`
  const identity = identityOf(body.bytes)
  if (!identity.ok) return { record, alarm: `${where} holds no event: ${identity.error}` }
  // Dedupe memory is the store's own, so that no store can claim the events of another.
  const claim = { key: identityHash(identity.value), digest: identity.value.dataDigest }
  const foreign = `${where} holds an event that claims to be of another store.`
  return identity.value.store === store ? { record, claim } : { record, claim, alarm: foreign }
}
