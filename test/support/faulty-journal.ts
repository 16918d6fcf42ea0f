import { TillbridgeError } from '../../gateway/core/errors.js'
import type { Journal } from '../../gateway/journal/journal.js'

/** A journal with some calls of its own; the rest goes to the real one. */
export function journalWith(journal: Journal, calls: Partial<Journal>): Journal {
  return {
    get epoch() {
      return journal.epoch
    },
    get end() {
      return journal.end
    },
    append: (events, fragments) => journal.append(events, fragments),
    fragments: source => journal.fragments(source),
    fragmentsUnder: prefix => journal.fragmentsUnder(prefix),
    seal: make => journal.seal(make),
    newest: type => journal.newest(type),
    latestDigest: source => journal.latestDigest(source),
    epochs: () => journal.epochs(),
    read: range => journal.read(range),
    confirm: (epochs, asked) => journal.confirm(epochs, asked),
    nameGaps: gaps => journal.nameGaps(gaps),
    relieve: records => journal.relieve(records),
    statistics: () => journal.statistics(),
    onAppended: listener => journal.onAppended(listener),
    close: () => journal.close(),
    ...calls,
  }
}

/** A journal one of whose records is damaged: it reads up to there, and fails on it. */
export function damagedAt(journal: Journal, seq: number): Journal {
  return journalWith(journal, {
    read: async range => {
      if (range.first === seq)
        throw new TillbridgeError('TB_JOURNAL_UNREADABLE', `record ${seq} is damaged`)
      const last = range.first < seq ? Math.min(range.last, seq - 1) : range.last
      return journal.read({ ...range, last })
    },
  })
}
