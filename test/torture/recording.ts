import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { TracedCall } from './strace.js'

/** What a traced process did to one directory, or said, in the order in which it was done. */
export type Operation = Span &
  (
    | { readonly type: 'create'; readonly name: string; readonly file: number }
    | { readonly type: 'rename'; readonly from: string; readonly to: string }
    | { readonly type: 'unlink'; readonly name: string }
    | Write
    | { readonly type: 'sync'; readonly file: number }
    | { readonly type: 'sync directory' }
    | { readonly type: 'say'; readonly line: string }
  )

/** Lines of the trace at which it began and was done; what happened in between may overlap. */
export interface Span {
  readonly start: number
  readonly end: number
}

export interface Write extends Span {
  readonly type: 'write'
  readonly file: number
  readonly offset: number
  readonly bytes: Uint8Array
}

export interface Recording {
  /** What stood in the directory before, durable: contents by name; numbered in this order. */
  readonly before: ReadonlyMap<string, Uint8Array>
  readonly operations: readonly Operation[]
}

/** Every call by which a process changes files or makes them durable; what is not modelled throws. */
export const RECORDED_CALLS = [
  ...['openat', 'creat', 'write', 'writev', 'pwrite64', 'pwritev', 'fdatasync', 'fsync', 'rename'],
  ...['renameat', 'renameat2', 'unlink', 'unlinkat', 'truncate', 'ftruncate', 'fallocate', 'link'],
  ...[
    'linkat',
    'symlink',
    'sync',
    'syncfs',
    'sync_file_range',
    'msync',
    'copy_file_range',
    'rmdir',
  ],
]

/** The files of a flat directory. */
export function filesOf(directory: string): ReadonlyMap<string, Uint8Array> {
  const names = readdirSync(directory).sort()
  return new Map(
    names
      .filter(name => statSync(join(directory, name)).isFile())
      .map(name => [name, readFileSync(join(directory, name))]),
  )
}

/** Turns a trace into operations. @throws Error at a call on the directory that is not modelled. */
export function recordingOf(options: {
  readonly directory: string
  readonly before: ReadonlyMap<string, Uint8Array>
  readonly calls: readonly TracedCall[]
}): Recording {
  const { directory, before, calls } = options
  const recorder = new Recorder(directory, before)
  // One that failed or was never finished changed nothing that anyone waited for.
  const done = calls.filter(({ result }) => result !== undefined && result >= 0)
  for (const call of done.toSorted((left, right) => left.end - right.end)) recorder.take(call)
  return { before, operations: recorder.operations }
}

class Recorder {
  readonly operations: Operation[] = []
  readonly #directory: string
  readonly #files = new Map<string, number>()
  /** Where the next write to a file goes. */
  readonly #position = new Map<number, number>()
  #count = 0

  constructor(directory: string, before: ReadonlyMap<string, Uint8Array>) {
    this.#directory = directory
    for (const name of before.keys()) this.#add(name)
  }

  take(call: TracedCall): void {
    const { start, end } = call
    switch (call.name) {
      case 'openat':
        this.#open(call)
        return
      case 'rename': {
        const [from, to] = call.texts.map(text => this.#nameOf(text.toString('utf8')))
        if (from === undefined && to === undefined) return
        if (from === undefined || to === undefined) throw unmodelled(call)
        this.operations.push({ type: 'rename', from, to, start, end })
        this.#rename(from, to)
        return
      }
      case 'unlink': {
        const name = this.#nameOf(call.texts[0]?.toString('utf8'))
        if (name === undefined) return
        this.operations.push({ type: 'unlink', name, start, end })
        this.#files.delete(name)
        return
      }
      case 'fsync':
      case 'fdatasync': {
        if (call.path === this.#directory)
          this.operations.push({ type: 'sync directory', start, end })
        const file = this.#fileOf(call)
        if (file !== undefined) this.operations.push({ type: 'sync', file, start, end })
        return
      }
      case 'write':
        this.#write(call)
        return
      case 'writev':
        if (this.#fileOf(call) !== undefined) throw unmodelled(call)
        this.operations.push({
          type: 'say',
          line: call.texts[0]?.toString('utf8') ?? '',
          start,
          end,
        })
        return
      default:
        if (call.path?.startsWith(this.#directory) || call.args.includes(hex(this.#directory)))
          throw unmodelled(call)
    }
  }

  #open(call: TracedCall): void {
    const name = this.#nameOf(call.texts[0]?.toString('utf8'))
    if (name === undefined) return
    const known = this.#files.get(name)
    const isNew = known === undefined || call.args.includes('O_TRUNC')
    if (!isNew) {
      this.#position.set(known, 0)
      return
    }
    if (!call.args.includes('O_CREAT')) throw unmodelled(call)
    const { start, end } = call
    this.operations.push({ type: 'create', name, file: this.#add(name), start, end })
  }

  #write(call: TracedCall): void {
    const file = this.#fileOf(call)
    if (file === undefined) return
    const { start, end, result = 0 } = call
    const bytes = call.texts.at(-1)?.subarray(0, result)
    if (bytes?.length !== result) throw new Error(`traced too little: ${call.args.slice(0, 80)}`)
    const offset = this.#position.get(file) ?? 0
    this.#position.set(file, offset + result)
    this.operations.push({ type: 'write', file, offset, bytes, start, end })
  }

  #add(name: string): number {
    const file = this.#count
    this.#count += 1
    this.#files.set(name, file)
    return file
  }

  #rename(from: string, to: string): void {
    const file = this.#files.get(from)
    this.#files.delete(from)
    if (file !== undefined) this.#files.set(to, file)
  }

  #fileOf(call: TracedCall): number | undefined {
    return this.#files.get(this.#nameOf(call.path) ?? '')
  }

  #nameOf(path: string | undefined): string | undefined {
    const prefix = `${this.#directory}/`
    return path?.startsWith(prefix) ? path.slice(prefix.length) : undefined
  }
}

function unmodelled(call: TracedCall): Error {
  return new Error(`a call that the model of crashes does not know: ${call.name}(${call.args}`)
}

function hex(text: string): string {
  return [...Buffer.from(text)].map(byte => `\\x${byte.toString(16).padStart(2, '0')}`).join('')
}
