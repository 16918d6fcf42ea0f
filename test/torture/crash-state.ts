import type { Random } from '../../gateway/core/random.js'
import { below, pick } from '../../gateway/simulator/till-sale.js'
import { describe, foldersOf, type NameChange, Names } from './names.js'
import type { Operation, Recording, Span, Tree, Write } from './recording.js'

/**
 * What a file system may leave of names. `ordered`, as ext4, XFS and btrfs do: changes of names
 * happen in their order, and a sync of a file that changed takes all names before it along.
 * `reordered`, as little as POSIX grants: a name is durable once its directory was synced after it;
 * of the others any may be missing, whatever came later.
 */
export type NameModel = 'ordered' | 'reordered'

export interface CrashState extends Tree {
  /** Changes of names that the process had made and the crash undid. */
  readonly undone: readonly string[]
}

/**
 * One state of the directory that a power cut may leave right before line `at` of the trace: what
 * was synced is there, what was not is there, absent, cut off, or torn between sectors.
 */
export function crashState(options: {
  readonly recording: Recording
  readonly at: number
  readonly model: NameModel
  readonly random: Random
}): CrashState {
  const { recording, at, model, random } = options
  const begun = recording.operations.filter(({ start }) => start < at)
  const changes = begun.filter(isNameChange)
  const kept =
    model === 'ordered'
      ? keptInOrder({ begun, changes, at, random })
      : keptAtRandom({ begun, changes, at, random })
  const { before } = recording
  const names = new Names({
    files: new Map([...before.files.keys()].map((name, file) => [name, file])),
    folders: before.folders,
  })
  for (const change of kept) names.apply(change)
  const contents = [...before.files.values()]
  const mood = pick(random, MOODS)
  const files = [...names.files].map(([name, file]): [string, Uint8Array] => {
    const isOfFile = (each: Operation): each is Span & Write =>
      each.type === 'write' && each.file === file
    const writes = begun.filter(isOfFile)
    const isSafe = (write: Span & Write): boolean => isSynced(begun, { write, at })
    const tear = mood === 'mixed' ? pick(random, TEARS) : mood
    const old = contents[file] ?? new Uint8Array()
    return [name, tornContent({ before: old, writes, isSafe, tear, random })]
  })
  const undone = changes.filter(change => !kept.includes(change)).map(describe)
  return { files: new Map(files), folders: names.folders, undone }
}

function isNameChange(operation: Operation): operation is Span & NameChange {
  return CHANGES.has(operation.type)
}

const CHANGES = new Set<string>([
  ...['create', 'link', 'rename', 'unlink', 'make folder', 'remove folder'],
])

/** A prefix, at least up to the last sync that takes names along. */
function keptInOrder(options: {
  readonly begun: readonly Operation[]
  readonly changes: readonly (Span & NameChange)[]
  readonly at: number
  readonly random: Random
}): readonly (Span & NameChange)[] {
  const { begun, changes, at, random } = options
  let durableTo = -1
  const isDirty = new Set<number>()
  for (const operation of begun) {
    const { type, start, end } = operation
    if (type === 'create' || type === 'write') isDirty.add(operation.file)
    const commits = type === 'sync folder' || (type === 'sync' && isDirty.delete(operation.file))
    if (commits && end < at) durableTo = Math.max(durableTo, start)
  }
  const least = changes.filter(({ end }) => end < durableTo).length
  return changes.slice(0, least + below(random, changes.length - least + 1))
}

/** Those that a sync of the directory followed, and any of the others. */
function keptAtRandom(options: {
  readonly begun: readonly Operation[]
  readonly changes: readonly (Span & NameChange)[]
  readonly at: number
  readonly random: Random
}): readonly (Span & NameChange)[] {
  const { begun, changes, at, random } = options
  const syncs = begun.filter(({ type, end }) => type === 'sync folder' && end < at)
  const isDurable = (change: Span & NameChange): boolean =>
    foldersOf(change).every(folder =>
      syncs.some(
        sync => sync.type === 'sync folder' && sync.name === folder && sync.start > change.end,
      ),
    )
  const undone = pick(random, ['create', 'rename', 'unlink', 'any'] as const)
  return changes.filter(change => {
    if (isDurable(change)) return true
    return undone === 'any' ? random.unit() < 0.5 : change.type !== undone
  })
}

/** Whether a sync that began after the write was done has ended before the cut. */
function isSynced(
  begun: readonly Operation[],
  { write, at }: { readonly write: Span & Write; readonly at: number },
): boolean {
  return begun.some(
    each =>
      each.type === 'sync' && each.file === write.file && each.start > write.end && each.end < at,
  )
}

/** What becomes of bytes that were written and not synced. */
const TEARS = ['absent', 'whole', 'cut off', 'zero tail', 'torn at 512', 'torn at 4096'] as const
type Tear = (typeof TEARS)[number]
const MOODS = [...TEARS, 'mixed'] as const

function tornContent(options: {
  readonly before: Uint8Array
  readonly writes: readonly (Span & Write)[]
  readonly isSafe: (write: Span & Write) => boolean
  readonly tear: Tear
  readonly random: Random
}): Uint8Array {
  const { before, writes, isSafe, tear, random } = options
  const safe = written(before, writes.filter(isSafe))
  const loose = writes.filter(write => !isSafe(write))
  const full = written(safe, loose)
  const from = Math.min(full.length, ...loose.map(({ offset }) => offset))
  const cut = from + below(random, full.length - from + 1)
  switch (tear) {
    case 'absent':
      return safe
    case 'whole':
      return full
    case 'cut off': {
      const unit = pick(random, [1, 512, 4096])
      const end = Math.max(safe.length, Math.floor(cut / unit) * unit)
      return mixed({ safe, full: full.subarray(0, end), from, unit: 1, isNew: at => at < cut })
    }
    case 'zero tail':
      return mixed({ safe, full, from, unit: 512, isNew: at => at < cut })
    case 'torn at 512':
      return mixed({ safe, full, from, unit: 512, isNew: () => random.unit() < 0.5 })
    case 'torn at 4096':
      return mixed({ safe, full, from, unit: 4096, isNew: () => random.unit() < 0.5 })
  }
}

function written(before: Uint8Array, writes: readonly Write[]): Uint8Array {
  const length = Math.max(
    before.length,
    ...writes.map(({ offset, bytes }) => offset + bytes.length),
  )
  const content = new Uint8Array(length)
  content.set(before)
  for (const { offset, bytes } of writes) content.set(bytes, offset)
  return content
}

/** As long as `full`; behind `from` each unit of the disk holds the new bytes, or the old or zeros. */
function mixed(options: {
  readonly safe: Uint8Array
  readonly full: Uint8Array
  readonly from: number
  readonly unit: number
  readonly isNew: (at: number) => boolean
}): Uint8Array {
  const { safe, full, from, unit, isNew } = options
  const content = Uint8Array.from(full)
  for (let at = Math.floor(from / unit) * unit; at < full.length; at += unit) {
    if (isNew(at)) continue
    const end = Math.min(at + unit, full.length)
    content.fill(0, at, end)
    content.set(safe.subarray(at, Math.min(end, safe.length)), at)
  }
  return content
}
