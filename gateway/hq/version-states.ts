import { type EpochId, epochOrdinal, type StoreId } from '../core/ids.js'
import { decodeEvent } from '../event/event.js'
import type { AlarmName } from '../event/gateway-alarm.js'
import type { LedgerRow, VersionState } from './ledger.js'

/** By these a gateway tells which version it is, and how that fares. */
export const VERSION_TYPES = ['gateway.started', 'gateway.self-tested', 'gateway.alarm'] as const

/** Starts of a store that are looked back upon. */
const STARTS = 50

/** What one start of a gateway said, in whichever order its records came. */
interface Start {
  readonly epoch: EpochId
  software?: string
  startedMs: number
  testedMs?: number
  /** The last word on each. */
  readonly alarms: Map<AlarmName, { readonly seq: number; readonly reason: string | undefined }>
}

/** Tells which version each store runs, and how it fares, by rows in any order. */
export class VersionStates {
  readonly #starts = new Map<StoreId, Map<EpochId, Start>>()

  add({ store, header: { epoch, seq }, kind, event: bytes, recordedMs }: LedgerRow): void {
    if (bytes === undefined || kind === 'duplicate') return
    const event = decodeEvent(bytes)
    if (!event.ok) return
    const { type, data } = event.value
    const start = this.#startOf(store, epoch)
    if (type === 'gateway.started') {
      start.software = data.software
      start.startedMs = recordedMs
    } else if (type === 'gateway.self-tested') start.testedMs = recordedMs
    else if (type === 'gateway.alarm' && seq > (start.alarms.get(data.alarm)?.seq ?? 0)) {
      const reason = data.state === 'raised' ? data.reason : undefined
      start.alarms.set(data.alarm, { seq, reason })
    }
  }

  #startOf(store: StoreId, epoch: EpochId): Start {
    const starts = this.#starts.get(store) ?? new Map<EpochId, Start>()
    this.#starts.set(store, starts)
    const known = starts.get(epoch)
    if (known !== undefined) return known
    const start = { epoch, startedMs: 0, alarms: new Map() }
    starts.set(epoch, start)
    forgetOldest(starts)
    return start
  }

  /** By store. */
  get all(): readonly VersionState[] {
    return [...this.#starts]
      .flatMap(([store, starts]) => stateOf(store, [...starts.values()].sort(byAge)))
      .sort((one, other) => (one.store < other.store ? -1 : 1))
  }
}

function byAge(one: Start, other: Start): number {
  return epochOrdinal(one.epoch) - epochOrdinal(other.epoch)
}

function forgetOldest(starts: Map<EpochId, Start>): void {
  if (starts.size <= STARTS) return
  const [oldest] = [...starts.values()].sort(byAge)
  if (oldest !== undefined) starts.delete(oldest.epoch)
}

function stateOf(store: StoreId, starts: readonly Start[]): readonly VersionState[] {
  const newest = starts.findLast(start => start.software !== undefined)
  if (newest?.software === undefined) return []
  const { software, startedMs, testedMs, alarms } = newest
  const changed = starts.findLastIndex(start => start.software !== software)
  const same = starts.slice(changed + 1)
  const tested = same.findLastIndex(start => start.testedMs !== undefined)
  return [
    {
      store,
      software,
      since: instant(same[0]?.startedMs ?? startedMs),
      started: instant(startedMs),
      ...(testedMs === undefined ? {} : { tested: instant(testedMs) }),
      untestedStarts: same.length - tested - 1,
      alarms: [...alarms].flatMap(([alarm, { reason }]) =>
        reason === undefined ? [] : [{ alarm, reason }],
      ),
    },
  ]
}

function instant(atMs: number): string {
  return new Date(atMs).toISOString()
}
