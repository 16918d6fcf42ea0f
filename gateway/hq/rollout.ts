import type { StoreId } from '../core/ids.js'
import type { AlarmName } from '../event/gateway-alarm.js'
import type { VersionState } from './ledger.js'

/** How a version fares in one store. */
export type Health =
  /** It runs, and what its self-test sold stands in the ledger. */
  | 'well'
  /** It runs, and its self-test may still be on its way. */
  | 'starting'
  | 'ill'
  /** Another version runs: it has not come yet. */
  | 'before'
  /** The ledger knows nothing of the store. */
  | 'unheard'

export interface StoreHealth {
  readonly store: StoreId
  readonly health: Health
  readonly software?: string
  /** Since when it runs there. */
  readonly since?: string
  /** Why it is ill, or what it is waited for. */
  readonly reason?: string
}

export interface RolloutPlan {
  readonly version: string
  /** Time after the last store of a ring got it, before the next ring may have it. */
  readonly soakHours: number
  /** Time that a self-test may take from a start until the ledger has it. */
  readonly proveMinutes: number
  /** In the order in which they get it; the stores of each. */
  readonly rings: readonly { readonly name: string; readonly stores: readonly StoreId[] }[]
  /** Stores of a ring that may be ill. */
  readonly tolerate: number
}

/** What whoever gives the stores their versions does with a ring. */
export type RingVerdict =
  /** Give it the version. */
  | 'go'
  /** It waits for the ring before. */
  | 'wait'
  /** It has it everywhere, and the time to be seen with it is not over. */
  | 'soaking'
  | 'passed'
  /** Take the version back from it, and give it to nobody else. */
  | 'stop'

export interface RingReport {
  readonly ring: string
  readonly verdict: RingVerdict
  readonly stores: readonly StoreHealth[]
}

export interface RolloutReport {
  readonly version: string
  readonly verdict: 'stop' | 'go' | 'soaking' | 'done'
  /** The ring that it is about; absent where it is done. */
  readonly ring?: string
  readonly rings: readonly RingReport[]
}

/** A version may be the reason for these; what a disk or a link does is no fault of it. */
const ALARMS: ReadonlySet<AlarmName> = new Set([
  'update-unfit',
  'journal-damaged',
  'tail-lost',
  'key-changed',
  'profile-invalid',
  'line-babbling',
])
/** Starts without a self-test that arrived: it does not come up. */
const STARTS = 3
const MINUTE_MS = 60_000

/** Where a rollout stands by what the ledger knows of its stores. */
export function judgeRollout(options: {
  readonly plan: RolloutPlan
  readonly states: readonly VersionState[]
  readonly nowMs: number
}): RolloutReport {
  const { plan, states, nowMs } = options
  const known = new Map(states.map(state => [state.store, state]))
  const rings: RingReport[] = []
  for (const { name, stores } of plan.rings) {
    const healths = stores.map(store => healthOf({ store, state: known.get(store), plan, nowMs }))
    const isNext = rings.every(({ verdict }) => verdict === 'passed')
    const verdict = verdictOf({ healths, isNext, plan, nowMs })
    rings.push({ ring: name, verdict, stores: healths })
  }
  const first =
    rings.find(({ verdict }) => verdict === 'stop') ??
    rings.find(({ verdict }) => verdict === 'go' || verdict === 'soaking')
  const { version } = plan
  if (first === undefined) return { version, verdict: 'done', rings }
  const verdict = first.verdict === 'stop' || first.verdict === 'soaking' ? first.verdict : 'go'
  return { version, verdict, ring: first.ring, rings }
}

function healthOf(options: {
  readonly store: StoreId
  readonly state: VersionState | undefined
  readonly plan: RolloutPlan
  readonly nowMs: number
}): StoreHealth {
  const { store, state, plan, nowMs } = options
  if (state === undefined) return { store, health: 'unheard' }
  const { software, since, started, tested, untestedStarts, alarms } = state
  const known = { store, software, since }
  const unfit = alarms.find(({ alarm }) => alarm === 'update-unfit')
  if (software !== plan.version)
    return unfit?.reason.startsWith(`${plan.version} `) === true
      ? { ...known, health: 'ill', reason: unfit.reason }
      : { ...known, health: 'before' }
  const bad = alarms.find(({ alarm }) => ALARMS.has(alarm))
  if (bad !== undefined) return { ...known, health: 'ill', reason: `${bad.alarm}: ${bad.reason}` }
  if (untestedStarts >= STARTS)
    return { ...known, health: 'ill', reason: `${untestedStarts} starts without a self-test` }
  if (tested !== undefined) return { ...known, health: 'well' }
  const minutes = Math.floor((nowMs - Date.parse(started)) / MINUTE_MS)
  return minutes < plan.proveMinutes
    ? { ...known, health: 'starting', reason: `started ${minutes} min ago` }
    : { ...known, health: 'ill', reason: `no self-test ${minutes} min after its start` }
}

function verdictOf(options: {
  readonly healths: readonly StoreHealth[]
  readonly isNext: boolean
  readonly plan: RolloutPlan
  readonly nowMs: number
}): RingVerdict {
  const { healths, isNext, plan, nowMs } = options
  const ill = healths.filter(({ health }) => health === 'ill')
  if (ill.length > plan.tolerate) return 'stop'
  if (!isNext) return 'wait'
  const isThere = healths.every(({ health }) => health === 'well' || health === 'ill')
  if (!isThere) return 'go'
  const newest = Math.max(0, ...healths.map(({ since = '' }) => Date.parse(since)))
  return nowMs - newest >= plan.soakHours * 60 * MINUTE_MS ? 'passed' : 'soaking'
}
