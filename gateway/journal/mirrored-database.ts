import type { Clock } from '../core/clock.js'
import type { Database, KeyRange, Operation } from '../core/database.js'
import { messageOf } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import { within } from '../core/within.js'
import { encodeOperations } from './mirror-frames.js'

/** What every write goes to besides the database. */
export interface Mirror {
  append(payload: Uint8Array, options: { readonly sync: boolean }): Promise<void>
  close(): Promise<void>
}

/**
 * A database whose synced writes resolve when they are durable in its mirror, too. It is read from
 * the database alone. A mirror that fails, or takes too long, is let go of: the write that met it
 * resolves as the database's does, and all others go without.
 */
export class MirroredDatabase implements Database {
  readonly #first: Database
  readonly #clock: Clock
  /** Of a mirror that equals the database right after it was opened. */
  readonly #resume: () => Promise<Mirror | undefined>
  readonly #onLost: (mirror: Mirror, reason: string) => void
  /** What a write waits for: one, and two while the one takes the other's place. */
  readonly #mirrors = new Set<Mirror>()
  /** Writes whose outcome is not known yet. */
  readonly #underWay = new Set<readonly Operation[]>()
  #following: Mirror | undefined
  /** Mirrors let go of whose last write has not ended: their files are not to be written on. */
  #leaving = 0

  constructor(options: {
    readonly first: Database
    readonly clock: Clock
    readonly resume: () => Promise<Mirror | undefined>
    readonly onLost: (mirror: Mirror, reason: string) => void
  }) {
    this.#first = options.first
    this.#clock = options.clock
    this.#resume = options.resume
    this.#onLost = options.onLost
  }

  isMirroredIn(mirror: Mirror): boolean {
    return this.#mirrors.has(mirror)
  }

  /** After the database was opened, before the first write. */
  async begin(): Promise<void> {
    if (this.#leaving > 0) return
    const mirror = await this.#resume()
    if (mirror !== undefined) this.#mirrors.add(mirror)
  }

  async open(): Promise<void> {
    await this.#first.open()
    await this.begin()
  }

  async close(): Promise<void> {
    this.#following = undefined
    const work = Promise.all([...this.#mirrors].map(mirror => this.release(mirror)))
    await within(this.#clock, { ms: LIMITS.mirrorWriteMs, work })
    await this.#first.close()
  }

  get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#first.get(key)
  }

  getMany(keys: Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    return this.#first.getMany(keys)
  }

  iterator(range: KeyRange): AsyncIterable<[Uint8Array, Uint8Array]> {
    return this.#first.iterator(range)
  }

  async compactRange(start: Uint8Array, end: Uint8Array): Promise<void> {
    await this.#first.compactRange?.(start, end)
  }

  async batch(operations: Operation[], options: { readonly sync: boolean }): Promise<void> {
    this.#underWay.add(operations)
    try {
      const mirrored = this.#mirror(operations, options)
      const writing = this.#first.batch(operations, options)
      await Promise.all(options.sync ? [writing, ...mirrored] : [writing])
    } finally {
      this.#underWay.delete(operations)
    }
  }

  /**
   * All entries as they are now, while the mirror gets every write that these may not hold yet:
   * put on top of them in their order, those give the database as it is then.
   */
  follow(mirror: Mirror): AsyncIterable<[Uint8Array, Uint8Array]> {
    const entries = this.#first.iterator({})[Symbol.asyncIterator]()
    // A database takes its snapshot at the first call: no write may come between that and these.
    const first = entries.next()
    this.#following = mirror
    for (const operations of this.#underWay)
      this.#follow(encodeOperations(operations), { sync: false })
    return fromIterator(entries, first)
  }

  /** From now on synced writes wait for the one that follows. False where it fell behind. */
  attach(mirror: Mirror): boolean {
    if (this.#following !== mirror) return false
    this.#following = undefined
    this.#mirrors.add(mirror)
    return true
  }

  /** Goes on without that mirror, if it has it still. */
  lose(mirror: Mirror, reason: string): void {
    if (!this.#mirrors.has(mirror)) return
    void this.release(mirror)
    this.#onLost(mirror, reason)
  }

  /** Resolves when nothing is written to it any more. */
  async release(mirror: Mirror): Promise<void> {
    this.#mirrors.delete(mirror)
    if (this.#following === mirror) this.#following = undefined
    this.#leaving += 1
    await mirror.close().catch(() => undefined) // nothing waits for what it held
    this.#leaving -= 1
  }

  #mirror(
    operations: readonly Operation[],
    { sync }: { readonly sync: boolean },
  ): readonly Promise<void>[] {
    if (this.#mirrors.size === 0 && this.#following === undefined) return []
    const payload = encodeOperations(operations)
    this.#follow(payload, { sync })
    return [...this.#mirrors].map(mirror => this.#append(mirror, { payload, sync }))
  }

  #follow(payload: Uint8Array, options: { readonly sync: boolean }): void {
    const following = this.#following
    following?.append(payload, options).catch(() => {
      if (this.#following === following) this.#following = undefined
    })
  }

  /** Never rejects. */
  async #append(
    mirror: Mirror,
    write: { readonly payload: Uint8Array; readonly sync: boolean },
  ): Promise<void> {
    try {
      const written = mirror.append(write.payload, { sync: write.sync })
      const outcome = await within(this.#clock, { ms: LIMITS.mirrorWriteMs, work: written })
      if (outcome === 'timeout')
        this.lose(mirror, `it took no write for ${LIMITS.mirrorWriteMs / 1000} s`)
    } catch (thrown) {
      this.lose(mirror, messageOf(thrown))
    }
  }
}

async function* fromIterator<Value>(
  iterator: AsyncIterator<Value>,
  first: Promise<IteratorResult<Value>>,
): AsyncGenerator<Value, void, undefined> {
  try {
    for (let next = await first; !next.done; next = await iterator.next()) yield next.value
  } finally {
    await iterator.return?.()
  }
}
