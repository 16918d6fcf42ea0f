import { TillbridgeError } from '../core/errors.js'
import type { JournalSlice } from '../journal/journal.js'
import type { RecordHeader } from '../wire/record.js'
import type { UplinkStatus } from '../wire/status.js'
import type { PassContext } from './pass.js'
import type { SendRange } from './send-plan.js'

/**
 * What a pass sends, read from the journal. One record that is damaged must not hold up what stands
 * behind it: it is kept, told, and gone by until the next pass tries it again.
 */
export class RecordSource {
  readonly #context: PassContext
  readonly #skipped: SendRange[] = []

  constructor(context: PassContext) {
    this.#context = context
  }

  /** Not to be planned again in this pass. */
  get skipped(): readonly SendRange[] {
    return this.#skipped
  }

  /** The status while everything else gets through. */
  get status(): UplinkStatus {
    const [first] = this.#skipped
    if (first === undefined) return { state: 'online' }
    const place = `${first.epoch}/${first.first}`
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
      const { epoch, first, historical } = range
      this.skip({ epoch, seq: first, historical, reason: thrown.message })
      return undefined
    }
  }

  skip(
    record: Pick<RecordHeader, 'epoch' | 'seq'> & {
      readonly historical: boolean
      readonly reason: string
    },
  ): void {
    const { epoch, seq, historical, reason } = record
    this.#skipped.push({ epoch, first: seq, last: seq, historical })
    this.#context.alarms.raise({
      key: `unsent ${epoch}/${seq}`,
      text: 'a damaged record of the journal: kept, unsent',
      details: { epoch, seq, reason },
    })
    this.#context.report(this.status)
  }
}
