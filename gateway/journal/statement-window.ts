import { TillbridgeError } from '../core/errors.js'
import { type EpochId, epochOrdinal } from '../core/ids.js'
import { LIMITS } from '../core/limits.js'
import type { JournalRecord } from '../wire/record.js'
import { type Statement, StatementSums, type StatementTotals } from '../wire/statement-sums.js'
import type { Journal, JournalSlice } from './journal.js'
import type { Place } from './keys.js'

/** What the next statement says, and whether it reaches the end of the journal. */
export interface StatementWindow {
  readonly statement: StatementTotals & Pick<Statement, 'ranges' | 'unreadable'>
  readonly isWhole: boolean
}

/** Bytes read at a time: appends go on in between. */
const SLICE_BYTES = 256 * 1024

/**
 * Adds up the records after a place (all that are kept where there is none) to what the journal
 * holds now, or as many as fit one statement; nothing where there are none, or the signal aborts.
 * What cannot be read, or was removed for want of room, is named and left out.
 * @throws TillbridgeError TB_JOURNAL_WRITE where the database did not come back.
 */
export async function sumWindow(options: {
  readonly journal: Journal
  readonly after: Place | undefined
  readonly signal: AbortSignal
}): Promise<StatementWindow | undefined> {
  const { journal, after, signal } = options
  const window = new Window()
  for (const { epoch, last } of journal.epochs()) {
    const ahead = after === undefined ? 1 : epochOrdinal(epoch) - epochOrdinal(after.epoch)
    if (ahead < 0) continue
    let next = ahead === 0 && after !== undefined ? after.seq + 1 : firstOf(journal, epoch)
    while (next <= last) {
      const range = { epoch, first: next, last, maxBytes: SLICE_BYTES }
      const slice = await journal.read(range).catch(unlessDamaged)
      if (signal.aborted) return undefined
      const upTo = slice === undefined ? window.skip(epoch, next, next) : window.take(range, slice)
      if (upTo < next) return window.end(false)
      next = upTo + 1
    }
  }
  return window.end(true)
}

/** Read now: what a receipt lets go may go meanwhile. */
function firstOf(journal: Journal, epoch: EpochId): number {
  return journal.epochs().find(extent => extent.epoch === epoch)?.first ?? 1
}

class Window {
  readonly #sums = new StatementSums({ maxEntries: LIMITS.statementEntries })
  readonly #ranges: Statement['ranges'] = []
  readonly #unreadable: Statement['unreadable'] = []

  /** The number of the last record that fits; what of the range was removed is skipped. */
  take(
    range: { readonly epoch: EpochId; readonly first: number; readonly last: number },
    { records }: JournalSlice,
  ): number {
    const { epoch, first, last } = range
    const begin = records[0]?.header.seq ?? last + 1
    let upTo = begin > first ? this.skip(epoch, first, begin - 1) : first - 1
    if (upTo < begin - 1) return upTo
    for (const record of records) {
      if (!this.#take(record)) break
      upTo = record.header.seq
    }
    return upTo
  }

  /** The last of them, or the one before where they do not fit. */
  skip(epoch: EpochId, first: number, last: number): number {
    const before = this.#unreadable.at(-1)
    if (before !== undefined && continues(before, epoch, first)) before.last = last
    else if (this.#isFull()) return first - 1
    else this.#unreadable.push({ epoch, first, last })
    return last
  }

  end(isWhole: boolean): StatementWindow | undefined {
    const ranges = this.#ranges
    const unreadable = this.#unreadable
    if (ranges.length + unreadable.length === 0) return undefined
    return { statement: { ranges, unreadable, ...this.#sums.totals }, isWhole }
  }

  #take({ header, body, hash }: JournalRecord): boolean {
    const { epoch, seq } = header
    const before = this.#ranges.at(-1)
    const isNext = before !== undefined && continues(before, epoch, seq)
    if (!isNext && this.#isFull()) return false
    if (!this.#sums.add({ header, event: body.type === 'event' ? body.bytes : undefined }))
      return false
    if (isNext) Object.assign(before, { last: seq, head: hash })
    else this.#ranges.push({ epoch, first: seq, last: seq, head: hash })
    return true
  }

  #isFull(): boolean {
    return this.#ranges.length + this.#unreadable.length >= LIMITS.statementRanges
  }
}

function continues(
  range: { readonly epoch: string; readonly last: number },
  epoch: EpochId,
  seq: number,
): boolean {
  return range.epoch === epoch && range.last === seq - 1
}

function unlessDamaged(thrown: unknown): undefined {
  if (thrown instanceof TillbridgeError && thrown.code === 'TB_JOURNAL_UNREADABLE') return undefined
  throw thrown
}
