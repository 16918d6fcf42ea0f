import type { Database, KeyRange, Operation } from '../../gateway/core/database.js'

/**
 * A database whose n-th synced write fails, as LevelDB's does on a full disk: from then on every
 * write is refused until it is opened anew.
 */
export class FaultyDatabase implements Database {
  readonly #inner: Database
  #failsIn = Number.POSITIVE_INFINITY
  #survives = false
  #isWounded = false
  #tear: 'none' | 'next' | 'torn' = 'none'
  #opensToFail = 0
  #readFailure: Error | undefined

  constructor(inner: Database) {
    this.#inner = inner
  }

  /** `survives`: the write that fails stands on the disk all the same. */
  failWrite(options: { readonly in: number; readonly survives?: boolean }): void {
    this.#failsIn = options.in
    this.#survives = options.survives ?? false
  }

  /**
   * The next write of any kind fails half way. LevelDB takes those behind it, and has forgotten
   * them when it is opened anew (measured on a tmpfs that was full for one write).
   */
  tearNextWrite(): void {
    this.#tear = 'next'
  }

  failOpens(count: number): void {
    this.#opensToFail = count
  }

  /** Every read of many keys from now on, until told otherwise. */
  failReads(failure: Error | undefined): void {
    this.#readFailure = failure
  }

  async open(): Promise<void> {
    if (this.#opensToFail > 0) {
      this.#opensToFail -= 1
      throw new Error('No space left on device')
    }
    await this.#inner.open()
    this.#isWounded = false
    this.#tear = 'none'
  }

  close(): Promise<void> {
    return this.#inner.close()
  }

  get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#inner.get(key)
  }

  async getMany(keys: Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    if (this.#readFailure !== undefined) throw this.#readFailure
    return this.#inner.getMany(keys)
  }

  async batch(operations: Operation[], options: { readonly sync: boolean }): Promise<void> {
    if (this.#tear === 'torn') return
    if (this.#tear === 'next') {
      this.#tear = 'torn'
      throw new Error('No space left on device')
    }
    if (options.sync) this.#failsIn -= 1
    const fails = options.sync && this.#failsIn === 0
    if (fails && this.#survives) await this.#inner.batch(operations, options)
    this.#isWounded ||= fails
    if (this.#isWounded) throw new Error('No space left on device')
    await this.#inner.batch(operations, options)
  }

  iterator(range: KeyRange): AsyncIterable<[Uint8Array, Uint8Array]> {
    return this.#inner.iterator(range)
  }
}
