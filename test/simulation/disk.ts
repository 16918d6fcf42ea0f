import type { Database, KeyRange, Operation } from '../../gateway/core/database.js'
import type { Random } from '../../gateway/core/random.js'
import { below } from '../support/sample.js'
import type { Life } from './timeline.js'

/** Keys as text of one character a byte: its order is the order of the bytes. */
function textOf(key: Uint8Array): string {
  return Buffer.from(key).toString('latin1')
}

/** Sorted keys and their values at one moment. */
export class Table {
  readonly #values: Map<string, Uint8Array>
  #keys: string[] | undefined

  constructor(values: ReadonlyMap<string, Uint8Array> = new Map()) {
    this.#values = new Map(values)
  }

  copy(): Table {
    return new Table(this.#values)
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
      if (operation.type === 'put') this.#values.set(textOf(operation.key), operation.value)
      else this.#values.delete(textOf(operation.key))
    }
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
}

/**
 * A disk under LevelDB: one log, in order. What no sync covered may be gone after a power cut, from
 * some point of the log on; also what was being written at that moment may be there or not.
 */
export class Disk {
  readonly #random: Random
  #durable = new Table()
  #visible = new Table()
  #log: Logged[] = []

  constructor(random: Random) {
    this.#random = random
  }

  /** What would survive now. */
  get durable(): Table {
    return this.#durable
  }

  powerCut(): void {
    const survivors = this.#log.slice(0, below(this.#random, this.#log.length + 1))
    for (const { operations } of survivors) this.#durable.apply(operations)
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
  }

  /** The disk in the hands of one life of a process. */
  database(life: Life): Database {
    const wait = (maxMs: number): Promise<void> => life.sleep(this.#random.unit() * maxMs)
    const disk = this
    return {
      open: () => wait(20),
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
        const entry = { operations: [...operations], isVisible: false }
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

  #finish(entry: Logged, sync: boolean): void {
    const upTo = this.#log.indexOf(entry) + 1
    for (const logged of this.#log.slice(0, upTo)) {
      if (!logged.isVisible) this.#visible.apply(logged.operations)
      logged.isVisible = true
    }
    if (!sync) return
    for (const { operations } of this.#log.splice(0, upTo)) this.#durable.apply(operations)
  }
}
