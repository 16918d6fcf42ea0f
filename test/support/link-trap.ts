import type { Way } from '../../gateway/simulator/link-fault.js'
import type { Watch } from '../../gateway/simulator/link-lane.js'

/** Where in the next bytes of one direction something begins, if it does. */
export type Find = (bytes: Uint8Array) => number | undefined

/** Resets a faulty link in the middle of the next thing of a kind, whenever it is set. */
export class LinkTrap {
  readonly #find: () => Find
  #set: { readonly way: Way; readonly keep: number } | undefined
  #sprung = 0

  constructor(find: () => Find) {
    this.#find = find
  }

  /** How often it broke a connection. */
  get sprung(): number {
    return this.#sprung
  }

  /** To be given to the link. */
  readonly watch = (way: Way): Watch => {
    const find = this.#find()
    return bytes => {
      const found = find(bytes)
      if (found === undefined || this.#set?.way !== way) return undefined
      const end = found + this.#set.keep
      this.#set = undefined
      this.#sprung += 1
      return Math.min(end, bytes.length)
    }
  }

  /** Nothing is caught any more. */
  open(): void {
    this.#set = undefined
  }

  /** `keep` bytes of it still arrive. */
  set(way: Way, keep: number): void {
    this.#set = { way, keep }
  }
}

const PUBACK = 4

/** MQTT's PUBACK, known by following the packets from the beginning (3.1.1 §2.2). */
export function findPuback(): Find {
  let left = 0
  let shift: number | undefined
  return bytes => {
    let found: number | undefined
    for (let offset = 0; offset < bytes.length; ) {
      const byte = bytes[offset] ?? 0
      if (shift !== undefined) {
        left += (byte & 0x7f) * 2 ** shift
        shift = byte < 0x80 ? undefined : shift + 7
        offset += 1
      } else if (left > 0) {
        const taken = Math.min(left, bytes.length - offset)
        left -= taken
        offset += taken
      } else {
        if (byte >> 4 === PUBACK) found ??= offset
        shift = 0
        offset += 1
      }
    }
    return found
  }
}

/** PostgreSQL's word that a transaction is committed: CommandComplete (protocol 3, §55.7). */
export function findCommit(): Find {
  return bytes => {
    const found = Buffer.from(bytes).indexOf('COMMIT\0')
    return found < 0 ? undefined : found
  }
}
