import { claimPlace } from '../core/claims.js'
import type { Database, Operation } from '../core/database.js'
import type { EpochId, StoreId } from '../core/ids.js'
import { SerialQueue } from '../core/serial-queue.js'
import type { Digest } from '../wire/record.js'
import { type EpochState, storeEpoch } from './epoch-state.js'
import { type EpochGap, gapAt, withGap } from './gap.js'
import { gapEvent } from './gap-event.js'
import { type Place, placeOfBytes } from './keys.js'
import { recordAt } from './stored-record.js'
import type { PreparedEvent, RecordContext } from './write-plan.js'

/** A journal as it sees it who names its gaps. */
export interface GapHost {
  readonly database: Database
  readonly context: RecordContext & { readonly store: StoreId }
  /** The journal's own: states change in it alone. */
  readonly queue: SerialQueue
  readonly append: (events: readonly PreparedEvent[]) => Promise<unknown>
  readonly write: (operations: readonly Operation[]) => Promise<void>
  /** Oldest first; the last one is the current. */
  readonly states: () => readonly EpochState[]
  readonly amend: (epoch: EpochId, change: (state: EpochState) => EpochState) => void
  /** Chain hash of the newest record. */
  readonly head: () => Digest
  /** Puts what the disk holds now where nothing changes it, and says where that is. */
  readonly quarantine: () => Promise<string | undefined>
}

/** Says of records that cannot be read that they are lost: to HQ, and to the journal itself. */
export class GapNamer {
  readonly #host: GapHost
  /** Two readers that meet one damage name it once. */
  readonly #found = new SerialQueue()

  constructor(host: GapHost) {
    this.#host = host
  }

  /**
   * Resolves when each gap stands in the journal as `journal.gap`; naming one again is harmless.
   * @throws TillbridgeError as `Journal.append`
   */
  async name(gaps: readonly EpochGap[]): Promise<void> {
    const named = gaps.map(gap => ({ gap, event: gapEvent(this.#host.context, gap) }))
    await this.#host.append(await this.#unknown(named.map(({ event }) => event)))
    for (const { gap, event } of named)
      await this.#host.queue.run(() => this.#note(gap, event.claim.key))
  }

  /** A name whose note was cut off stands in the journal already, perhaps with another cause. */
  #unknown(events: readonly PreparedEvent[]): Promise<readonly PreparedEvent[]> {
    return this.#host.queue.run(async () => {
      const keys = events.map(({ claim }) => claim.key)
      const known = await this.#host.database.getMany(keys)
      return events.filter((_, index) => known[index] === undefined)
    })
  }

  /**
   * A record did not verify: it is looked at again, and it and its damaged neighbours behind it are
   * named. Never rejects: what could not be written is met again by the next reader.
   */
  found(place: Place): Promise<void> {
    return this.#found.run(() => this.#find(place).catch(() => undefined))
  }

  async #find(place: Place): Promise<void> {
    const extent = await this.#host.queue.run(() => this.#survey(place))
    if (extent === undefined) return
    const folder = await this.#host.quarantine().catch(() => undefined)
    const kept = folder === undefined ? '' : `; its files are kept in ${folder}`
    await this.name([{ ...extent, kind: 'damaged', cause: `it does not verify${kept}` }])
  }

  async #survey({ epoch, seq }: Place): Promise<Omit<EpochGap, 'kind' | 'cause'> | undefined> {
    const { database, states, head } = this.#host
    const state = states().find(known => known.epoch === epoch)
    const isKept = state !== undefined && state.first <= seq && seq <= state.last
    if (!isKept || gapAt(state, seq) !== undefined) return undefined
    if ((await recordAt(database, { epoch, seq })) !== undefined) return undefined
    for (let last = seq; last < state.last; last += 1) {
      const next = await recordAt(database, { epoch, seq: last + 1 })
      if (next !== undefined) return { epoch, first: seq, last, head: next.previous }
    }
    const isNewest = states().at(-1) === state
    const known = isNewest ? { head: head() } : {}
    return { epoch, first: seq, last: state.last, ...known }
  }

  /** From now on nobody asks for it, and trimming goes past it once its name is confirmed. */
  async #note({ epoch, ...gap }: EpochGap, claimKey: Uint8Array): Promise<void> {
    const { database, states, write, amend } = this.#host
    const state = states().find(known => known.epoch === epoch)
    if (state === undefined || gap.first > state.last || gapAt(state, gap.first)) return
    const bytes = await claimPlace(database, claimKey)
    const named = bytes && placeOfBytes(bytes, states())
    if (named === undefined) return
    const change = (known: EpochState): EpochState => withGap(known, { ...gap, named })
    await write([storeEpoch(change(state))])
    amend(epoch, change)
  }
}
