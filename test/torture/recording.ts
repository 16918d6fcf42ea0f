import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { type NameChange, Names } from './names.js'
import type { TracedCall } from './strace.js'

/** Lines of the trace at which it began and was done; what happened in between may overlap. */
export interface Span {
  readonly start: number
  readonly end: number
}

export interface Write {
  readonly type: 'write'
  readonly file: number
  readonly offset: number
  readonly bytes: Uint8Array
}

/** What a traced process did under one directory, or said. */
export type Deed =
  | NameChange
  | Write
  | { readonly type: 'sync'; readonly file: number }
  | { readonly type: 'sync folder'; readonly name: string }
  | { readonly type: 'say'; readonly line: string }

export type Operation = Span & Deed

/** What stood under a directory, durable: contents by path, and folders. */
export interface Tree {
  readonly files: ReadonlyMap<string, Uint8Array>
  readonly folders: ReadonlySet<string>
}

export interface Recording {
  /** Files are numbered in this order, then as they were made. */
  readonly before: Tree
  /** In the order in which they were done. */
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
    'mkdir',
  ],
  ...['mkdirat', 'rmdir', 'sendfile'],
]

export function treeOf(directory: string): Tree {
  const files = new Map<string, Uint8Array>()
  const folders = new Set<string>()
  for (const entry of readdirSync(directory, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name)
    const name = relative(directory, path)
    if (entry.isDirectory()) folders.add(name)
    if (entry.isFile()) files.set(name, readFileSync(path))
  }
  return { files, folders }
}

/** Turns a trace into operations. @throws Error at a call on the directory that is not modelled. */
export function recordingOf(options: {
  readonly directory: string
  readonly before: Tree
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
  readonly #names: Names
  /** Where the next write to a file goes. */
  readonly #position = new Map<number, number>()
  #files: number

  constructor(directory: string, before: Tree) {
    this.#directory = directory
    const files = new Map([...before.files.keys()].map((name, file) => [name, file]))
    this.#names = new Names({ files, folders: before.folders })
    this.#files = files.size
  }

  take(call: TracedCall): void {
    switch (call.name) {
      case 'openat':
        this.#open(call)
        return
      case 'link':
      case 'rename':
        this.#move(call, call.name)
        return
      case 'unlink':
        this.#name(call, name => ({ type: 'unlink', name }))
        return
      case 'mkdir':
        this.#name(call, name => ({ type: 'make folder', name }))
        return
      case 'rmdir':
        this.#name(call, name => ({ type: 'remove folder', name }))
        return
      case 'fsync':
      case 'fdatasync':
        this.#sync(call)
        return
      case 'write':
        this.#write(call)
        return
      case 'pwrite64':
        // The note of the boot, which says nothing in another one: `judge` never sees it.
        if (this.#nameOf(call.path)?.endsWith('journal.lock')) return
        throw unmodelled(call)
      case 'writev':
        if (this.#nameOf(call.path) !== undefined) throw unmodelled(call)
        this.#add(call, { type: 'say', line: call.texts[0]?.toString('utf8') ?? '' })
        return
      default:
        if (call.path?.startsWith(this.#directory) || call.args.includes(hex(this.#directory)))
          throw unmodelled(call)
    }
  }

  #add({ start, end }: TracedCall, deed: Deed): void {
    this.operations.push({ ...deed, start, end })
  }

  #change(call: TracedCall, change: NameChange): void {
    this.#add(call, change)
    this.#names.apply(change)
  }

  #name(call: TracedCall, changeOf: (name: string) => NameChange): void {
    const name = this.#nameOf(call.texts[0]?.toString('utf8'))
    if (name !== undefined) this.#change(call, changeOf(name))
  }

  #move(call: TracedCall, type: 'link' | 'rename'): void {
    const [from, to] = call.texts.map(text => this.#nameOf(text.toString('utf8')))
    if (from === undefined && to === undefined) return
    if (from === undefined || to === undefined) throw unmodelled(call)
    this.#change(call, { type, from, to })
  }

  #open(call: TracedCall): void {
    const name = this.#nameOf(call.texts[0]?.toString('utf8'))
    if (name === undefined || this.#names.folders.has(name)) return
    const { args } = call
    const known = this.#names.files.get(name)
    const isRead = args.includes('O_RDONLY')
    if (isRead && known !== undefined) return
    if (known !== undefined && !args.includes('O_TRUNC')) {
      // Nothing here writes to a file that it did not make: where it did, this must be thought over.
      this.#position.delete(known)
      return
    }
    if (!args.includes('O_CREAT')) throw unmodelled(call)
    const file = this.#files
    this.#files += 1
    this.#position.set(file, 0)
    this.#change(call, { type: 'create', name, file })
  }

  #sync(call: TracedCall): void {
    const name = this.#nameOf(call.path)
    if (name === undefined) return
    const file = this.#names.files.get(name)
    if (file !== undefined) this.#add(call, { type: 'sync', file })
    if (this.#names.folders.has(name)) this.#add(call, { type: 'sync folder', name })
  }

  #write(call: TracedCall): void {
    const file = this.#names.files.get(this.#nameOf(call.path) ?? '')
    if (file === undefined) return
    const { result = 0 } = call
    const bytes = call.texts.at(-1)?.subarray(0, result)
    if (bytes?.length !== result) throw new Error(`traced too little: ${call.args.slice(0, 80)}`)
    const offset = this.#position.get(file)
    if (offset === undefined) throw unmodelled(call)
    this.#position.set(file, offset + result)
    this.#add(call, { type: 'write', file, offset, bytes })
  }

  /** Relative to the directory; nothing outside of it. */
  #nameOf(path: string | undefined): string | undefined {
    if (path === this.#directory) return '.'
    const prefix = `${this.#directory}/`
    return path?.startsWith(prefix) ? path.slice(prefix.length) : undefined
  }
}

function unmodelled(call: TracedCall): Error {
  const args = call.args.slice(0, 500)
  return new Error(`a call that the model of crashes does not know: ${call.name}(${args}`)
}

function hex(text: string): string {
  return [...Buffer.from(text)].map(byte => `\\x${byte.toString(16).padStart(2, '0')}`).join('')
}
