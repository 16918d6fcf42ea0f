import { dirname } from 'node:path'

/** A change of the names under a directory; paths are relative to it. */
export type NameChange =
  | { readonly type: 'create'; readonly name: string; readonly file: number }
  | { readonly type: 'link'; readonly from: string; readonly to: string }
  | { readonly type: 'rename'; readonly from: string; readonly to: string }
  | { readonly type: 'unlink'; readonly name: string }
  | { readonly type: 'make folder'; readonly name: string }
  | { readonly type: 'remove folder'; readonly name: string }

/** Files by path (several may be one file), and folders. `.` is the directory itself. */
export class Names {
  readonly files: Map<string, number>
  readonly folders: Set<string>

  constructor(options: {
    readonly files: ReadonlyMap<string, number>
    readonly folders: ReadonlySet<string>
  }) {
    this.files = new Map(options.files)
    this.folders = new Set(['.', ...options.folders])
  }

  /** What has no place any more, because an earlier change is missing, changes nothing. */
  apply(change: NameChange): void {
    switch (change.type) {
      case 'create':
        this.#put(change.name, change.file)
        return
      case 'link':
        this.#put(change.to, this.files.get(change.from))
        return
      case 'unlink':
        this.files.delete(change.name)
        return
      case 'make folder':
        if (this.folders.has(dirname(change.name))) this.folders.add(change.name)
        return
      case 'remove folder':
        if (![...this.files.keys(), ...this.folders].some(isUnder(change.name)))
          this.folders.delete(change.name)
        return
      case 'rename':
        this.#rename(change)
    }
  }

  #put(name: string, file: number | undefined): void {
    if (file !== undefined && this.folders.has(dirname(name))) this.files.set(name, file)
  }

  #rename({ from, to }: { readonly from: string; readonly to: string }): void {
    const file = this.files.get(from)
    this.files.delete(from)
    this.#put(to, file)
    if (!this.folders.has(from) || !this.folders.has(dirname(to))) return
    const renamed = (name: string): string => `${to}${name.slice(from.length)}`
    const folders = [from, ...[...this.folders].filter(isUnder(from))]
    for (const name of folders) this.folders.delete(name)
    for (const name of folders) this.folders.add(renamed(name))
    for (const [name, moved] of [...this.files].filter(([name]) => isUnder(from)(name))) {
      this.files.delete(name)
      this.files.set(renamed(name), moved)
    }
  }
}

function isUnder(folder: string): (name: string) => boolean {
  return name => name.startsWith(`${folder}/`)
}

/** The folders in which it changes something. */
export function foldersOf(change: NameChange): readonly string[] {
  switch (change.type) {
    case 'rename':
      return [dirname(change.from), dirname(change.to)]
    case 'link':
      return [dirname(change.to)]
    default:
      return [dirname(change.name)]
  }
}

export function describe(change: NameChange): string {
  return change.type === 'rename' || change.type === 'link'
    ? `${change.type} ${change.from} to ${change.to}`
    : `${change.type} ${change.name}`
}
