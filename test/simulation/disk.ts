import type { Database, KeyRange, Operation } from '../../gateway/core/database.js'
import type { Random } from '../../gateway/core/random.js'
import { below } from '../support/sample.js'
import { factsOf } from './facts.js'
import type { Life } from './timeline.js'

/** Keys as text of one character a byte: its order is the order of the bytes. */
function textOf(key: Uint8Array): string {
  return Buffer.from(key).toString('latin1')
}

/** Sorted keys and their values at one moment. */
export class Table {
  readonly #values = new Map<string, Uint8Array>()
  /** Which place each key that holds a record is of. */
  readonly #places = new Map<string, string>()
  #keys: string[] | undefined
  #bytes = 0

  copy(): Table {
    const copy = new Table()
    for (const [key, value] of this.#values) copy.#put(key, value)
    return copy
  }

  get bytes(): number {
    return this.#bytes
  }

  /** `<epoch>/<seq>` of every record in it. */
  get places(): ReadonlySet<string> {
    return new Set(this.#places.values())
  }

  get values(): Iterable<Uint8Array> {
    return this.#values.values()
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#values.get(textOf(key))
  }

  apply(operations: readonly Operation[]): void {
    this.#keys = undefined
    for (const operation of operations) {
      const key = textOf(operation.key)
      this.#remove(key)
      if (operation.type === 'put') this.#put(key, operation.value)
    }
  }

  #put(key: string, value: Uint8Array): void {
    this.#values.set(key, value)
    this.#bytes += key.length + value.length
    const facts = factsOf(value)
    if (facts !== undefined) this.#places.set(key, facts.place)
  }

  #remove(key: string): void {
    const value = this.#values.get(key)
    if (value === undefined) return
    this.#values.delete(key)
    this.#bytes -= key.length + value.length
    this.#places.delete(key)
  }

  entries(range: KeyRange): [Uint8Array, Uint8Array][] {
    this.#keys ??= [...this.#values.keys()].sort()
    const { gte, gt, lt, lte, reverse = false, limit = Infinity } = range
    const lower = textOf(gte ?? gt ?? new Uint8Array())
    const upper = lte ?? lt
    const upperText = upper === undefined ? undefined : textOf(upper)
    const found = this.#keys.filter(
      key =>
        (gt === undefined ? key >= lower : key > lower) &&
        (upperText === undefined || key < upperText || (lte !== undefined && key === upperText)),
    )
    if (reverse) found.reverse()
    return found
      .slice(0, limit < 0 ? undefined : limit)
      .map(key => [Buffer.from(key, 'latin1'), this.#values.get(key) ?? new Uint8Array()])
  }
}

interface Logged {
  readonly operations: readonly Operation[]
  isVisible: boolean
  /** `behind`: in the log after a write that was cut off, which no opening reads past. */
  state: 'sound' | 'failed' | 'behind'
}

/**
 * A disk under LevelDB: one log, in order. What no sync covered may be gone after a power cut, from
 * some point of the log on; also what was being written at that moment may be there or not. A disk
 * that is full refuses: behind a synced write LevelDB then takes no other; behind one that was not
 * synced it does, and forgets them at the next opening (stack.md, section 3).
 */
export class Disk {
  readonly #random: Random
  #durable = new Table()
  #visible = new Table()
  #log: Logged[] = []
  #isFull = false
  /** Takes no write until it is opened anew. */
  #isWounded = false

  constructor(random: Random) {
    this.#random = random
  }

  /** What would survive now. */
  get durable(): Table {
    return this.#durable
  }

  /** What its files take up. */
  get bytes(): number {
    return this.#visible.bytes
  }

  get isFull(): boolean {
    return this.#isFull
  }

  /** Something else takes all its room. */
  fill(): void {
    this.#isFull = true
  }

  free(): void {
    this.#isFull = false
  }

  powerCut(): void {
    const survivors = this.#log.slice(0, below(this.#random, this.#log.length + 1))
    for (const { operations, state } of survivors) {
      if (state !== 'sound') break
      this.#durable.apply(operations)
    }
    this.#startFrom(this.#durable)
  }

  /** An older state is put back. */
  restore(image: Table): void {
    this.#startFrom(image)
  }

  #startFrom(table: Table): void {
    this.#durable = table.copy()
    this.#visible = table.copy()
    this.#log = []
    this.#isWounded = false
  }

  /** The disk in the hands of one life of a process. */
  database(life: Life): Database {
    const wait = (maxMs: number): Promise<void> => life.sleep(this.#random.unit() * maxMs)
    const disk = this
    return {
      open: async () => {
        await wait(20)
        disk.#open()
      },
      close: () => wait(20),
      get: async key => {
        await wait(1)
        return disk.#visible.get(key)
      },
      getMany: async keys => {
        await wait(1)
        return keys.map(key => disk.#visible.get(key))
      },
      batch: async (operations, { sync }) => {
        if (disk.#isWounded) throw noSpace()
        const state = disk.#log.some(entry => entry.state !== 'sound') ? 'behind' : 'sound'
        const entry: Logged = { operations: [...operations], isVisible: false, state }
        disk.#log.push(entry)
        await wait(sync ? 30 : 1)
        disk.#finish(entry, sync)
      },
      iterator: async function* (range) {
        await wait(1)
        yield* disk.#visible.entries(range)
      },
    }
  }

  /** @throws as a disk without room for LevelDB's new files */
  #open(): void {
    if (this.#isFull) throw noSpace()
    const cut = this.#log.findIndex(({ state }) => state !== 'sound')
    if (cut >= 0) {
      // The write that failed stands whole in the log, or it does not.
      const isWhole = this.#log[cut]?.state === 'failed' && this.#random.unit() < 0.5
      this.#log.splice(isWhole ? cut + 1 : cut)
    }
    // LevelDB writes what it recovers from its log into a table, and syncs that.
    for (const { operations } of this.#log) this.#durable.apply(operations)
    this.#visible = this.#durable.copy()
    this.#log = []
    this.#isWounded = false
  }

  #finish(entry: Logged, sync: boolean): void {
    // A power cut came in between: this write is of a life that is over.
    const upTo = this.#log.indexOf(entry) + 1
    if (upTo === 0) return
    if (this.#isFull && entry.state === 'sound') {
      entry.state = 'failed'
      for (const later of this.#log.slice(upTo)) later.state = 'behind'
      this.#isWounded ||= sync
      throw noSpace()
    }
    if (this.#isWounded) throw noSpace()
    for (const logged of this.#log.slice(0, upTo)) {
      if (!logged.isVisible && logged.state !== 'failed') this.#visible.apply(logged.operations)
      logged.isVisible = true
    }
    if (!sync || entry.state !== 'sound') return
    for (const { operations } of this.#log.splice(0, upTo)) this.#durable.apply(operations)
  }
}

/** The disk said so, whoever passed it on. */
export function isNoSpace(thrown: unknown): boolean {
  return thrown instanceof Error && /No space left/.test(thrown.message)
}

function noSpace(): Error {
  return Object.assign(new Error('IO error: No space left on device'), { code: 'ENOSPC' })
}
