import { TillbridgeError } from '../core/errors.js'
import type { EpochId } from '../core/ids.js'
import { addRange, type RangeSet } from '../core/range-set.js'
import type { JournalSlice } from '../journal/journal.js'
import type { RecordHeader } from '../wire/record.js'
import type { UplinkStatus } from '../wire/status.js'
import type { PassContext } from './pass.js'
import type { SendRange } from './send-plan.js'

type Place = Pick<RecordHeader, 'epoch' | 'seq'>

/** The first record that stays unsent for a reason, and how many there are. */
interface Unsent {
  readonly place: string
  readonly reason: string
  readonly count: number
}

const TEXTS = {
  damaged: 'a damaged record of the journal: kept, unsent',
  refused: 'a record that the broker refuses: kept, unsent',
} as const

type Fault = keyof typeof TEXTS

/**
 * What a pass sends, read from the journal. One record that is damaged, or that the broker refuses,
 * must not hold up what stands behind it: it is kept, told, and gone by until it is tried again.
 */
export class RecordSource {
  readonly #context: PassContext
  readonly #skipped = new Map<EpochId, RangeSet>()
  readonly #unsent = new Map<Fault, Unsent>()

  constructor(context: PassContext) {
    this.#context = context
  }

  /** Not to be planned again in this pass. */
  get skipped(): ReadonlyMap<EpochId, RangeSet> {
    return this.#skipped
  }

  get hasRefused(): boolean {
    return this.#unsent.has('refused')
  }

  /** The status while everything else gets through. */
  get status(): UplinkStatus {
    const refused = this.#unsent.get('refused')
    const damaged = this.#unsent.get('damaged')
    if (refused !== undefined) {
      const { place, reason, count } = refused
      const others = count === 1 ? '' : ` and ${count - 1} more`
      const text = `the broker refuses ${place}${others}, which stay unsent: ${reason}`
      return { state: 'denied', reason: text }
    }
    if (damaged === undefined) return { state: 'online' }
    const { place } = damaged
    return {
      state: 'online',
      reason: `damaged records of the journal stay unsent; ${place} is the first, the log has all`,
    }
  }

  /**
   * The records that are left of a range, or nothing where its first is damaged.
   * @throws TillbridgeError as `Journal.read`, but for TB_JOURNAL_UNREADABLE
   */
  async read(range: SendRange, maxBytes: number): Promise<JournalSlice | undefined> {
    try {
      return await this.#context.journal.read({ ...range, maxBytes })
    } catch (thrown) {
      const isDamaged = thrown instanceof TillbridgeError && thrown.code === 'TB_JOURNAL_UNREADABLE'
      if (!isDamaged) throw thrown
      const { epoch, first } = range
      this.skip('damaged', { epoch, seq: first }, thrown.message)
      return undefined
    }
  }

  skip(fault: Fault, { epoch, seq }: Place, reason: string): void {
    this.#skipped.set(epoch, addRange(this.#skipped.get(epoch) ?? [], [seq, seq]))
    const known = this.#unsent.get(fault) ?? { place: `${epoch}/${seq}`, reason, count: 0 }
    this.#unsent.set(fault, { ...known, count: known.count + 1 })
    // Of a topic that is forbidden there may be thousands: the first says it.
    const key = fault === 'damaged' ? `unsent ${epoch}/${seq}` : `refused ${reason}`
    this.#context.alarms.raise({ key, text: TEXTS[fault], details: { epoch, seq, reason } })
    this.#context.report(this.status)
  }

  /** All of it may be planned again. */
  retry(): void {
    this.#skipped.clear()
    this.#unsent.clear()
    this.#context.report(this.status)
  }
}
