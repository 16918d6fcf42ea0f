import type { Database, Operation } from '../core/database.js'
import { LIMITS } from '../core/limits.js'
import type { SerialQueue } from '../core/serial-queue.js'
import type { ClockState } from '../event/event.js'
import type { EpochState } from './epoch-state.js'
import { readFailure } from './failure.js'
import { CLAIM_KEYS, type Place, RECORD_KEYS, recordKey } from './keys.js'
import { DamagedRecordError } from './stored-record.js'
import { planTrim, type TrimPlan } from './trim-plan.js'

/** A journal as its trimmer sees it. */
export interface TrimHost {
  readonly database: Database
  /** The journal's own: a slice takes its turn among reads and receipts. */
  readonly queue: SerialQueue
  readonly now: () => { readonly wallMs: number; readonly clock: ClockState }
  /** Oldest first; the last one is the current. */
  readonly states: () => readonly EpochState[]
  /** False while the database takes no write: what is left waits for the next receipt. */
  readonly isWritable: () => boolean
  /** Unsynced: what a power cut brings back is trimmed again. */
  readonly write: (operations: readonly Operation[]) => Promise<void>
  /** A record on its way out did not verify. */
  readonly damaged: (place: Place) => Promise<void>
  /** The plan is written; what it says of its epoch holds from now on. */
  readonly trimmed: (plan: TrimPlan) => void
}

/** Removes what may go, beside appends and reads, a slice at a time. */
export class Trimmer {
  readonly #host: TrimHost
  #running: Promise<void> = Promise.resolve()
  #failure: Error | undefined
  #toldFailure: string | undefined
  #trimmedSinceCompaction = 0

  constructor(host: TrimHost) {
    this.#host = host
  }

  /** Not awaited by a receipt: the next one is told what stopped it. */
  start(): void {
    this.#running = this.#running.then(() => this.#trim())
  }

  /** Resolves when nothing is being trimmed any more. */
  async idle(): Promise<void> {
    await this.#running
  }

  /** What stopped it since this was asked last, where that was not told before. */
  takeFailure(): Error | undefined {
    const failure = this.#failure
    this.#failure = undefined
    if (failure === undefined || failure.message === this.#toldFailure) return undefined
    this.#toldFailure = failure.message
    return failure
  }

  async #trim(): Promise<void> {
    try {
      while (await this.#host.queue.run(() => this.#trimSlice()));
      if (this.#trimmedSinceCompaction >= LIMITS.compactAfterRecords) await this.#compact()
    } catch (thrown) {
      this.#failure = readFailure(thrown)
      if (thrown instanceof DamagedRecordError) await this.#host.damaged(thrown.place)
    }
  }

  /** Whether there may be more to trim. */
  async #trimSlice(): Promise<boolean> {
    const { database, states, now, isWritable, write, trimmed } = this.#host
    if (!isWritable()) return false
    const plan = await planTrim({ database, epochs: states(), now: now() })
    if (plan === undefined) return false
    await write(plan.operations)
    trimmed(plan)
    this.#trimmedSinceCompaction += plan.next.first - plan.first
    return true
  }

  /** LevelDB keeps the room of deleted keys, and stumbles over them, until told to compact. */
  async #compact(): Promise<void> {
    const { database, states } = this.#host
    const [oldest] = states()
    if (oldest === undefined) return
    const start = recordKey({ epoch: oldest.epoch, seq: 0 })
    await database.compactRange?.(RECORD_KEYS.gte, start)
    await database.compactRange?.(CLAIM_KEYS.gte, CLAIM_KEYS.lt)
    this.#trimmedSinceCompaction = 0
  }
}
