import type { Database, Operation } from '../core/database.js'
import { LIMITS } from '../core/limits.js'
import type { SerialQueue } from '../core/serial-queue.js'
import type { ClockState } from '../event/event.js'
import type { EpochState } from './epoch-state.js'
import { type EvictPlan, planEviction } from './evict-plan.js'
import { readFailure } from './failure.js'
import { CLAIM_KEYS, type Place, RECORD_KEYS, recordKey } from './keys.js'
import { DamagedRecordError } from './stored-record.js'
import { planTrim, type TrimPlan } from './trim-plan.js'

/** A journal as its trimmer sees it. */
export interface TrimHost {
  readonly database: Database
  /** The journal's own: a slice takes its turn among reads and receipts. */
  readonly queue: SerialQueue
  /** Every record is to stand in a statement before it goes, the first one's, too. */
  readonly isStated: boolean
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

  /**
   * Gives room back to the disk at once: confirmed records before their time, oldest first, then
   * the bodies of the oldest unconfirmed telemetry. Resolves with how many went, `records` at most
   * but for the rest of a slice; the next receipt is told what stopped it.
   */
  relieve(records: number): Promise<number> {
    const relieved = this.#running.then(() => this.#relieve(records))
    this.#running = relieved.then(() => undefined)
    return relieved
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
      while ((await this.#trimSlice({ early: false })) > 0);
      if (this.#trimmedSinceCompaction >= LIMITS.compactAfterRecords) await this.#compact()
    } catch (thrown) {
      this.#failure = readFailure(thrown)
      if (thrown instanceof DamagedRecordError) await this.#host.damaged(thrown.place)
    }
  }

  async #relieve(records: number): Promise<number> {
    let trimmed = 0
    try {
      while (trimmed < records) {
        const count = await this.#trimSlice({ early: true })
        if (count === 0) break
        trimmed += count
      }
      if (trimmed > 0) await this.#compactRecords()
    } catch (thrown) {
      // A damaged record among the confirmed stays; telemetry can go all the same.
      this.#failure = readFailure(thrown)
    }
    return trimmed + (await this.#evict(records - trimmed))
  }

  async #evict(bodies: number): Promise<number> {
    const { database } = this.#host
    let evicted = 0
    let range: EvictPlan['range'] | undefined
    try {
      while (evicted < bodies) {
        const plan = await this.#evictSlice()
        if (plan === undefined) break
        evicted += plan.bodies
        range = [range?.[0] ?? plan.range[0], plan.range[1]]
      }
      if (range !== undefined) await database.compactRange?.(...range)
    } catch (thrown) {
      this.#failure = readFailure(thrown)
    }
    return evicted
  }

  /** How many records went; none where there are no more. */
  #trimSlice(options: { readonly early: boolean }): Promise<number> {
    const { database, queue, states, now, isStated, isWritable, write, trimmed } = this.#host
    return queue.run(async () => {
      if (!isWritable()) return 0
      const about = { database, epochs: states(), now: now(), isStated }
      const plan = await planTrim({ ...about, ...options })
      if (plan === undefined) return 0
      await write(plan.operations)
      trimmed(plan)
      const count = plan.next.first - plan.first
      this.#trimmedSinceCompaction += count
      return count
    })
  }

  /** What went; nothing where no body is left. */
  #evictSlice(): Promise<EvictPlan | undefined> {
    const { database, queue, isWritable, write } = this.#host
    return queue.run(async () => {
      if (!isWritable()) return undefined
      const plan = await planEviction({ database, bodies: LIMITS.trimSliceRecords })
      if (plan !== undefined) await write(plan.operations)
      return plan
    })
  }

  /** LevelDB keeps the room of deleted keys, and stumbles over them, until told to compact. */
  async #compact(): Promise<void> {
    await this.#compactRecords()
    await this.#host.database.compactRange?.(CLAIM_KEYS.gte, CLAIM_KEYS.lt)
    this.#trimmedSinceCompaction = 0
  }

  async #compactRecords(): Promise<void> {
    const { database, states } = this.#host
    const [oldest] = states()
    if (oldest === undefined) return
    const start = recordKey({ epoch: oldest.epoch, seq: oldest.first })
    await database.compactRange?.(RECORD_KEYS.gte, start)
  }
}
