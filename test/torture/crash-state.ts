import type { Random } from '../../gateway/core/random.js'
import { below, pick } from '../../gateway/simulator/till-sale.js'
import type { Operation, Recording, Write } from './recording.js'

/**
 * What a file system may leave of names. `ordered`, as ext4, XFS and btrfs do: changes of names
 * happen in their order, and a sync of a file that changed takes all names before it along.
 * `reordered`, as little as POSIX grants: a name is durable once its directory was synced after it;
 * of the others any may be missing, whatever came later.
 */
export type NameModel = 'ordered' | 'reordered'

type NameChange = Extract<Operation, { readonly type: 'create' | 'rename' | 'unlink' }>

export interface CrashState {
  readonly files: ReadonlyMap<string, Uint8Array>
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
  const names = new Map([...recording.before.keys()].map((name, file) => [name, file]))
  for (const change of kept) applyTo(names, change)
  const contents = [...recording.before.values()]
  const mood = pick(random, MOODS)
  const files = [...names].map(([name, file]): [string, Uint8Array] => {
    const writes = begun.filter(
      (each): each is Write & Operation => each.type === 'write' && each.file === file,
    )
    const before = contents[file] ?? new Uint8Array()
    const isSafe = (write: Write): boolean => isSynced(begun, { write, at })
    const tear = mood === 'mixed' ? pick(random, TEARS) : mood
    return [name, tornContent({ before, writes, isSafe, tear, random })]
  })
  const undone = changes.filter(change => !kept.includes(change)).map(describe)
  return { files: new Map(files), undone }
}

function isNameChange(operation: Operation): operation is NameChange {
  return ['create', 'rename', 'unlink'].includes(operation.type)
}

/** A prefix, at least up to the last sync that takes names along. */
function keptInOrder(options: {
  readonly begun: readonly Operation[]
  readonly changes: readonly NameChange[]
  readonly at: number
  readonly random: Random
}): readonly NameChange[] {
  const { begun, changes, at, random } = options
  let durableTo = -1
  const isDirty = new Set<number>()
  for (const operation of begun) {
    const { type, start, end } = operation
    if (type === 'create' || type === 'write') isDirty.add(operation.file)
    const commits = type === 'sync directory' || (type === 'sync' && isDirty.delete(operation.file))
    if (commits && end < at) durableTo = Math.max(durableTo, start)
  }
  const least = changes.filter(({ end }) => end < durableTo).length
  return changes.slice(0, least + below(random, changes.length - least + 1))
}

/** Those that a sync of the directory followed, and any of the others. */
function keptAtRandom(options: {
  readonly begun: readonly Operation[]
  readonly changes: readonly NameChange[]
  readonly at: number
  readonly random: Random
}): readonly NameChange[] {
  const { begun, changes, at, random } = options
  const syncs = begun.filter(({ type, end }) => type === 'sync directory' && end < at)
  const durableTo = Math.max(-1, ...syncs.map(({ start }) => start))
  const undone = pick(random, ['create', 'rename', 'unlink', 'any'] as const)
  return changes.filter(({ type, end }) => {
    if (end < durableTo) return true
    return undone === 'any' ? random.unit() < 0.5 : type !== undone
  })
}

function applyTo(names: Map<string, number>, change: NameChange): void {
  switch (change.type) {
    case 'create':
      names.set(change.name, change.file)
      return
    case 'unlink':
      names.delete(change.name)
      return
    case 'rename': {
      const file = names.get(change.from)
      names.delete(change.from)
      if (file !== undefined) names.set(change.to, file)
    }
  }
}

/** Whether a sync that began after the write was done has ended before the cut. */
function isSynced(
  begun: readonly Operation[],
  { write, at }: { readonly write: Write; readonly at: number },
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
  readonly writes: readonly Write[]
  readonly isSafe: (write: Write) => boolean
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

function describe(change: NameChange): string {
  return change.type === 'rename'
    ? `rename ${change.from} to ${change.to}`
    : `${change.type} ${change.name}`
}
