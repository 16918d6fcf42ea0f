import type { Clock } from '../core/clock.js'
import type { EpochId, StoreId } from '../core/ids.js'
import type { Logger } from '../core/log.js'
import type { Random } from '../core/random.js'
import type { Journal } from '../journal/journal.js'
import type { Delivery, MqttConnection } from '../mqtt/connection.js'
import type { EpochReceipt } from '../wire/receipt.js'
import type { UplinkStatus } from '../wire/status.js'
import type { Topics } from '../wire/topics.js'
import type { Alarms } from './alarms.js'
import type { Pacing } from './pacing.js'
import type { Border } from './send-plan.js'

/** How long to wait for answers; LIMITS where nothing else is said. */
export interface UplinkPatience {
  readonly receiptMs: number
  readonly askAgainMs: number
  readonly probeMs: number
  readonly refusedMs: number
}

/** Hears how records get on, for whoever asks later; wall time is its own matter. */
export interface Progress {
  sent(range: { readonly epoch: EpochId; readonly first: number; readonly last: number }): void
  confirmed(epochs: readonly EpochReceipt[]): void
}

/** What a pass works with. */
export interface PassContext {
  readonly store: StoreId
  readonly topics: Topics
  readonly software: string
  readonly journal: Journal
  readonly connection: MqttConnection
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly alarms: Alarms
  readonly patience: UplinkPatience
  /** Closed epochs that one hello names. */
  readonly helloEpochs: number
  readonly pacing: Pacing
  readonly progress?: Progress
  readonly border: Border
  /** Ends the pass: the connection is gone, or the gateway stops. */
  readonly signal: AbortSignal
  readonly report: (status: UplinkStatus) => void
}

/** Why a pass ended. */
export interface PassEnd {
  /** What the status says until the next; the connection's own word where this has none. */
  readonly status?: UplinkStatus
  /** HQ has come back or changed: the next pass need not wait long. */
  readonly soon: boolean
}

/**
 * One try at confirming the journal, from the first word to the point where nothing helps but to
 * start over: with an answer that did not come, a refusal, another ledger.
 */
export interface Pass {
  /** Something was confirmed: the next failure is retried quickly again. */
  readonly hasWorked: boolean
  run(): Promise<PassEnd>
  /** A message on one of the topics subscribed for this mode. */
  deliver(delivery: Delivery): Promise<void>
}

/** The connection is gone or the gateway stops. */
export const ABANDONED: PassEnd = { soon: true }
