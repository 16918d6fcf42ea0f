import { basename, dirname } from 'node:path'
import type { TracedCall } from './strace.js'

/** What the journal was at when it made a system call; `mark`: the high-water mark beside it. */
export const PHASES = ['append', 'trim', 'open', 'recovery', 'compaction', 'mark'] as const
export type Phase = (typeof PHASES)[number]

/** A call by which the journal's files change, or by which the word of it travels. */
export interface PlacedCall {
  readonly call: TracedCall
  readonly phase: Phase
  /** `wake-up`: a thread tells the main one that its work is done. `answer`: the parent is told. */
  readonly kind: string
  /** It is the nth call of this name of its thread, as strace counts them. */
  readonly nth: number
}

/**
 * The calls of a trace that have to do with the journal, each with its phase. `isDamaged`: its first
 * opening is a recovery.
 */
export function placeCalls(
  calls: readonly TracedCall[],
  { data, isDamaged }: { readonly data: string; readonly isDamaged: boolean },
): readonly PlacedCall[] {
  const placed: PlacedCall[] = []
  const counts = new Map<string, number>()
  const at = new Map<number, Phase>()
  let opening: Phase | undefined
  let openings = 0
  let onLog: Phase = 'append'
  for (const call of calls) {
    const { thread, name } = call
    const nth = (counts.get(`${thread} ${name}`) ?? 0) + 1
    counts.set(`${thread} ${name}`, nth)
    if (name === 'writev') {
      const said = call.texts[0]?.toString('latin1') ?? ''
      if (said === 'opening') openings += 1
      if (said === 'opening') opening = isDamaged && openings === 1 ? 'recovery' : 'open'
      if (said === 'opened') opening = undefined
      if (said.startsWith('acknowledged'))
        placed.push({ call, phase: 'append', kind: 'answer', nth })
      continue
    }
    const file = fileOf(call)
    if (call.path === WAKE_UP) {
      const phase = at.get(thread)
      if (phase !== undefined) placed.push({ call, phase, kind: 'wake-up', nth })
    }
    if (file === undefined || (file !== data && !file.startsWith(`${data}/`))) continue
    if (isOnLog(call, file)) onLog = writtenTo(call) ?? onLog
    const running = isOnLog(call, file) ? onLog : isOfMark(file, data) ? 'mark' : 'compaction'
    const phase = opening ?? running
    at.set(thread, phase)
    placed.push({ call, phase, kind: name, nth })
  }
  return placed
}

const WAKE_UP = 'anon_inode:[eventfd]'

/** The file that a call is about: its descriptor's, or the one that it names. */
function fileOf(call: TracedCall): string | undefined {
  if (['openat', 'rename', 'unlink', 'mkdir', 'rmdir', 'link'].includes(call.name))
    return call.texts[0]?.toString('utf8')
  return call.path
}

/** Beside the database; the directory is synced after the mark was renamed. */
function isOfMark(file: string, data: string): boolean {
  return file === data || dirname(file) === data
}

/** LevelDB's own log: what is appended goes there; a new one is opened only for a compaction. */
function isOnLog(call: TracedCall, file: string): boolean {
  return basename(file).endsWith('.log') && (call.name === 'write' || call.name === 'fdatasync')
}

// A record of the log: checksum 4, length 2, type 1; then the write batch: sequence 8, count 4, and
// its first operation: tag 1, key length 1, key.
const FRAGMENT_TYPE = 6
const FIRST_KEY = 21

/** What began with this write to the log, by the first key of its batch (journal/keys.ts). */
function writtenTo(call: TracedCall): Phase | undefined {
  const bytes = call.texts[0]
  const begins = bytes?.[FRAGMENT_TYPE] === 1 || bytes?.[FRAGMENT_TYPE] === 2
  if (call.name !== 'write' || !begins) return undefined
  const key = bytes[FIRST_KEY]
  if (key === 'E'.charCodeAt(0)) return 'trim'
  return key === 'R'.charCodeAt(0) ? 'append' : undefined
}
