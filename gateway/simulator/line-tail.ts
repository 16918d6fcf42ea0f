import { closeSync, openSync, readSync } from 'node:fs'
import { systemCodeOf } from '../core/errors.js'

const READ_BYTES = 64 * 1024

/** Follows a file that others append lines to. */
export class LineTail {
  readonly #path: string
  #offset = 0
  #torn = Buffer.alloc(0)

  constructor(path: string) {
    this.#path = path
  }

  /** The whole lines written since the last call; none while there is no file yet. */
  read(): string[] {
    const fresh = this.#readFresh()
    const all = Buffer.concat([this.#torn, fresh])
    const end = all.lastIndexOf('\n') + 1
    this.#torn = all.subarray(end)
    return all.toString('utf8', 0, end).split('\n').slice(0, -1)
  }

  #readFresh(): Buffer {
    try {
      const file = openSync(this.#path, 'r')
      try {
        return this.#readFrom(file)
      } finally {
        closeSync(file)
      }
    } catch (thrown) {
      if (systemCodeOf(thrown) === 'ENOENT') return Buffer.alloc(0)
      throw thrown
    }
  }

  #readFrom(file: number): Buffer {
    const parts: Buffer[] = []
    for (;;) {
      const part = Buffer.alloc(READ_BYTES)
      const count = readSync(file, part, 0, READ_BYTES, this.#offset)
      if (count === 0) return Buffer.concat(parts)
      parts.push(part.subarray(0, count))
      this.#offset += count
    }
  }
}
