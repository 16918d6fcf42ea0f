import { type Claim, Claims, type KnownClaim } from '../core/claims.js'
import type { StoreId } from '../core/ids.js'
import { identityHash, identityOf } from '../event/event-identity.js'
import type { Batch } from '../wire/batch.js'
import type { JournalRecord } from '../wire/record.js'
import { keepBacked } from './backup-coverage.js'
import {
  type Audit,
  auditBatch,
  auditEnd,
  auditRoot,
  type EpochStart,
  readStart,
} from './chain-audit.js'
import type { ChainState } from './chain-state.js'
import { auditGaps } from './gap-audit.js'
import type { CommitResult, LedgerRow } from './ledger.js'
import type { LedgerMemory, Places } from './ledger-memory.js'
import { auditSignatures } from './signature-audit.js'
import { auditSender, liveRecord, type StoreState } from './store-state.js'

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
  /** What is known of the store from now on, where that changed. */
  readonly store?: StoreState
}

/** What a commit does to a ledger, whichever database is behind it. */
export async function planCommit(memory: LedgerMemory, batch: Batch): Promise<CommitPlan> {
  const { store, epoch, first, count } = batch.header
  const places = await memory.places({ store, epoch, first, last: first + count - 1 })
  const fresh = batch.records.filter(
    ({ header, hash }) => places.get(header.seq)?.has(hash) !== true,
  )
  const repeated = count - fresh.length
  const known = await memory.store(store)
  const audits = fresh.length > 0 ? await auditChains({ memory, batch, fresh, places }) : NO_CHAINS
  const own = audits.chains[0]
  const sender = auditSender(known, batch.header, own && liveRecord(batch, own))
  const signatures = auditSignatures(sender.state, batch, fresh)
  const { rows, alarms } = await planRows({ memory, batch, fresh })
  const gapAlarms = await auditGaps({ memory, store, fresh })
  const of = (kind: LedgerRow['kind']): number => rows.filter(row => row.kind === kind).length
  const result = {
    stored: of('event') + of('evicted'),
    duplicates: of('duplicate'),
    conflicts: of('conflict'),
    repeated,
    alarms: [...alarms, ...audits.alarms, ...sender.alarms, ...gapAlarms, ...signatures.alarms],
  }
  const changed = signatures.state === known ? {} : { store: signatures.state }
  return { result, rows, chains: audits.chains, ...changed }
}

interface ChainAudits {
  /** Of the batch's epoch first. */
  readonly chains: readonly ChainState[]
  readonly alarms: readonly string[]
}

const NO_CHAINS: ChainAudits = { chains: [], alarms: [] }

async function auditChains(options: {
  readonly memory: LedgerMemory
  readonly batch: Batch
  readonly fresh: readonly JournalRecord[]
  readonly places: Places
}): Promise<ChainAudits> {
  const { memory, batch, fresh } = options
  const { store, epoch } = batch.header
  const known = await memory.chain(store, epoch)
  const own = auditBatch({ ...options, chain: keepBacked(known, await memory.backupPoints()) })
  const start = readStart(batch, fresh)
  const before = start.previous && (await auditPrevious(memory, { store, ...start.previous }))
  const rootAlarms = start.isRoot
    ? auditRoot({ store, epoch, chains: await memory.chains(store) })
    : []
  const audits = before === undefined ? [own] : [own, before]
  return {
    chains: audits.map(({ chain }) => chain),
    alarms: [...start.alarms, ...audits.flatMap(audit => audit.alarms), ...rootAlarms],
  }
}

async function auditPrevious(
  memory: LedgerMemory,
  previous: NonNullable<EpochStart['previous']> & { readonly store: StoreId },
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
