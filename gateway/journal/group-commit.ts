interface Waiting<Item, Outcome> {
  readonly items: readonly Item[]
  readonly resolve: (outcomes: readonly Outcome[]) => void
  readonly reject: (reason: unknown) => void
}

/**
 * All that waits while a write runs goes into the next one: the cost of an fsync is shared, and one
 * write runs at a time. What came in one `add` is never split over two writes.
 */
export class GroupCommit<Item, Outcome> {
  readonly #maxItems: number
  readonly #write: (items: readonly Item[]) => Promise<readonly Outcome[]>
  readonly #waiting: Waiting<Item, Outcome>[] = []
  #running: Promise<void> | undefined

  /** `write` gets at most `maxItems`, or one larger `add` alone; it gives one outcome an item. */
  constructor(options: {
    readonly maxItems: number
    readonly write: (items: readonly Item[]) => Promise<readonly Outcome[]>
  }) {
    this.#maxItems = options.maxItems
    this.#write = options.write
  }

  /** Outcomes of these items once their write is done; rejects as the write of their group does. */
  add(items: readonly Item[]): Promise<readonly Outcome[]> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ items, resolve, reject })
      this.#running ??= this.#run()
    })
  }

  /** Resolves when nothing is waiting any more. */
  async idle(): Promise<void> {
    await this.#running
  }

  async #run(): Promise<void> {
    // Callers of this very turn of the event loop share the first write, too.
    await Promise.resolve()
    while (this.#waiting.length > 0) await this.#writeGroup(this.#takeGroup())
    this.#running = undefined
  }

  #takeGroup(): readonly Waiting<Item, Outcome>[] {
    let items = 0
    const tooMany = this.#waiting.findIndex((waiting, index) => {
      items += waiting.items.length
      return index > 0 && items > this.#maxItems
    })
    return this.#waiting.splice(0, tooMany < 0 ? this.#waiting.length : tooMany)
  }

  async #writeGroup(group: readonly Waiting<Item, Outcome>[]): Promise<void> {
    try {
      const outcomes = await this.#write(group.flatMap(waiting => waiting.items))
      let start = 0
      for (const { items, resolve } of group) {
        resolve(outcomes.slice(start, start + items.length))
        start += items.length
      }
    } catch (thrown) {
      for (const { reject } of group) reject(thrown)
    }
  }
}
