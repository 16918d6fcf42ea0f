import { z } from 'zod'
import { epochIdSchema } from '../core/id-schema.js'
import type { EpochId, StoreId } from '../core/ids.js'
import type { PublicKey } from '../security/signature.js'
import type { Batch, BatchHeader } from '../wire/batch.js'
import type { Hello } from '../wire/hello.js'
import type { RecordHeader } from '../wire/record.js'
import type { ChainState } from './chain-state.js'

/** Epochs whose end is remembered of a hello, and of those before it. */
const ANNOUNCED_EPOCHS = 20
/** Live epochs remembered of a store: enough for as many copies of one journal. */
const LIVE_EPOCHS = 4
/**
 * A journal that was closed is never live again. A single message that overtook others may look
 * like it; the second time it is a clone.
 */
const CLONE_RETURNS = 2

const liveEpoch = z.strictObject({
  epoch: epochIdSchema,
  /** Boot and monotonic time of a record of it; a hello alone does not tell. */
  written: z.strictObject({ boot: z.string(), monotonicMs: z.int() }).exactOptional(),
  /** How often it was live again after another epoch was. */
  returns: z.int().min(0),
})

type LiveEpoch = z.infer<typeof liveEpoch>

/** What a ledger keeps of a store beside its records; every receiver on the database goes by it. */
export const storeState = z.strictObject({
  /** Epochs that the store holds, by its last hello and its batches since. */
  held: z.array(epochIdSchema).exactOptional(),
  /** How far the epochs go that the store holds, by its last hello. */
  announced: z
    .array(z.strictObject({ epoch: epochIdSchema, last: z.int().min(0) }))
    .exactOptional(),
  /** Epochs that were seen to be current, the latest first. */
  live: z.array(liveEpoch),
  /** Public keys by which it may sign: the first that it used, and what an operator trusts. */
  keys: z.array(z.string().regex(/^[0-9a-f]{64}$/)).exactOptional(),
})

export type StoreState = z.infer<typeof storeState>

export const UNKNOWN_STORE: StoreState = { live: [] }

/** The key counts as the store's, too. */
export function withKey(state: StoreState, publicKey: PublicKey): StoreState {
  const { keys = [] } = state
  return keys.includes(publicKey) ? state : { ...state, keys: [...keys, publicKey] }
}

/** A store after a message of it, and what is wrong with it, in an operator's words. */
export interface StoreAudit {
  /** The same object where nothing changed. */
  readonly state: StoreState
  readonly alarms: readonly string[]
}

/** The store has said hello: what it holds, and which epoch is current there. */
export function auditHello(state: StoreState, store: StoreId, hello: Hello): StoreAudit {
  const held = hello.epochs.map(({ epoch }) => epoch)
  const current = held.at(-1)
  const { state: seen, alarms } =
    current === undefined ? { state, alarms: [] } : seeLive(state, store, { epoch: current })
  return { state: { ...seen, held, announced: announcedBy(hello, state.announced) }, alarms }
}

/** With the ends of epochs that it no longer holds: another gateway may have taken over. */
function announcedBy(
  { epochs }: Hello,
  before: NonNullable<StoreState['announced']> = [],
): NonNullable<StoreState['announced']> {
  const newest = epochs.slice(-ANNOUNCED_EPOCHS).map(({ epoch, last }) => ({ epoch, last }))
  const others = before.filter(({ epoch }) => newest.every(other => other.epoch !== epoch))
  return [...others.slice(-ANNOUNCED_EPOCHS), ...newest]
}

/** A batch has come: its store holds that epoch, and it is current where `live` stands in it. */
export function auditSender(
  state: StoreState,
  { store, epoch }: BatchHeader,
  live: RecordHeader | undefined,
): StoreAudit {
  const holding = withHeld(state, epoch)
  if (live === undefined) return { state: holding, alarms: [] }
  const { boot, monotonicMs } = live
  return seeLive(holding, store, { epoch, written: { boot, monotonicMs } })
}

/**
 * The newest record of a batch, where it shows that its epoch is current: sent as it happened, in
 * an epoch whose beginning is known, and not before an end that a later epoch gave it.
 */
export function liveRecord(
  { header, records }: Batch,
  { segments, end }: ChainState,
): RecordHeader | undefined {
  const newest = records.at(-1)?.header
  if (header.historical || newest === undefined || segments[0]?.first !== 1) return undefined
  return end !== undefined && newest.seq <= end.last ? undefined : newest
}

/** Epochs that were live again after another one was: copies of one journal, or two gateways. */
export function speakInTurns({ live }: StoreState): readonly EpochId[] {
  const isFound = live.some(({ returns }) => returns >= CLONE_RETURNS)
  return isFound ? live.filter(({ returns }) => returns > 0).map(({ epoch }) => epoch) : []
}

function withHeld(state: StoreState, epoch: EpochId): StoreState {
  const { held } = state
  return held === undefined || held.includes(epoch) ? state : { ...state, held: [...held, epoch] }
}

/** Two epochs of one store that are live by turns: two gateways run on copies of one journal. */
function seeLive(
  state: StoreState,
  store: StoreId,
  seen: Pick<LiveEpoch, 'epoch' | 'written'>,
): StoreAudit {
  const { live } = state
  const [current] = live
  if (current !== undefined && isOlder(seen, current)) return { state, alarms: [] }
  const known = live.find(({ epoch }) => epoch === seen.epoch)
  if (known !== undefined && known === current) {
    const isNews = current.written === undefined && seen.written !== undefined
    const first = { ...current, ...seen }
    return { state: isNews ? { ...state, live: [first, ...live.slice(1)] } : state, alarms: [] }
  }
  const returns = known === undefined ? 0 : known.returns + 1
  const others = live.filter(other => other !== known)
  const latest = [{ ...seen, returns }, ...others].slice(0, LIVE_EPOCHS)
  const isFound = returns === CLONE_RETURNS && (current?.returns ?? 0) < CLONE_RETURNS
  const alarm =
    `store ${store}: epochs ${current?.epoch} and ${seen.epoch} are both live: a ` +
    'cloned card, or two gateways in one shop. Both are kept; stop one of them and give it an ' +
    'empty `dataDir`. `tillbridge hq stores show` says which gateway HQ approved.'
  return { state: { ...state, live: latest }, alarms: isFound ? [alarm] : [] }
}

/** Written before the other was seen: a message that was overtaken. */
function isOlder(seen: Pick<LiveEpoch, 'written'>, current: LiveEpoch): boolean {
  const { written: one } = seen
  const { written: other } = current
  if (one === undefined || other === undefined) return false
  return one.boot === other.boot && one.monotonicMs < other.monotonicMs
}
