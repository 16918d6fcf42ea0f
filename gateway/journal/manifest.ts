import { ByteReader } from '../core/bytes.js'
import { readVarint } from './level-log.js'

/**
 * LevelDB's MANIFEST: a log of the changes to its set of tables (leveldb, doc/log_format.md and
 * db/version_edit.cc).
 */
const BLOCK_BYTES = 32 * 1024
const HEADER_BYTES = 7
const FULL = 1
const FIRST = 2
const LAST = 4

/** The name of the MANIFEST that CURRENT says; nothing where it is damaged. */
export function manifestNamedBy(current: string): string | undefined {
  const name = current.trim()
  return /^MANIFEST-\d+$/.test(name) ? name : undefined
}

/**
 * The number that LevelDB gives the next file it makes: tables of this number and above are left
 * over from work that was never finished, and it would overwrite them. 0 where nothing can be read.
 */
export function nextFileNumber(manifest: Uint8Array): number {
  let next = 0
  for (const record of recordsOf(manifest)) next = editOf(record)?.next ?? next
  return next
}

/** The numbers of the tables that the database is made of. */
export function tablesOf(manifest: Uint8Array): ReadonlySet<number> {
  const tables = new Set<number>()
  for (const record of recordsOf(manifest)) {
    const { added = [], removed = [] } = editOf(record) ?? {}
    for (const number of removed) tables.delete(number)
    for (const number of added) tables.add(number)
  }
  return tables
}

/** Whole records, up to the first thing that is none. */
function* recordsOf(log: Uint8Array): Generator<Uint8Array> {
  let parts: Uint8Array[] = []
  for (let at = 0; ; ) {
    const left = BLOCK_BYTES - (at % BLOCK_BYTES)
    if (left < HEADER_BYTES) at += left
    if (log.length - at < HEADER_BYTES) return
    const length = (log[at + 4] ?? 0) + (log[at + 5] ?? 0) * 256
    const type = log[at + 6] ?? 0
    const end = at + HEADER_BYTES + length
    if (type < FULL || type > LAST || end > log.length) return
    if (type === FULL || type === FIRST) parts = []
    parts.push(log.subarray(at + HEADER_BYTES, end))
    if (type === FULL || type === LAST) yield Buffer.concat(parts)
    at = end
  }
}

/** What follows each tag of an edit: numbers (n) and texts with their length before them (t). */
const FIELDS: Readonly<Record<number, string>> = {
  1: 't',
  2: 'n',
  3: 'n',
  4: 'n',
  5: 'nt',
  6: 'nn',
  7: 'nnntt',
  9: 'n',
}
const NEXT_FILE = 3
const REMOVED = 6
const ADDED = 7

interface Edit {
  readonly next: number | undefined
  readonly removed: readonly number[]
  readonly added: readonly number[]
}

function editOf(record: Uint8Array): Edit | undefined {
  const reader = new ByteReader(record)
  const edit: { next: number | undefined; removed: number[]; added: number[] } = {
    next: undefined,
    removed: [],
    added: [],
  }
  try {
    while (reader.remaining > 0) {
      const tag = readVarint(reader)
      const fields = FIELDS[tag]
      if (fields === undefined) return undefined
      for (const [index, kind] of [...fields].entries()) {
        const value = readVarint(reader)
        if (kind === 't') reader.take(value)
        if (tag === NEXT_FILE) edit.next = value
        // Behind the level.
        else if (tag === REMOVED && index === 1) edit.removed.push(value)
        else if (tag === ADDED && index === 1) edit.added.push(value)
      }
    }
    return edit
  } catch (thrown) {
    if (thrown instanceof RangeError) return undefined
    throw thrown
  }
}
