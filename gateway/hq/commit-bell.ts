import type { Clock } from '../core/clock.js'

/**
 * Tells whoever listens that there may be something new in the outbox: after each commit of this
 * process, and, where others commit to the same database, every so often.
 */
export class CommitBell {
  readonly #clock: Clock
  readonly #everyMs: number | undefined
  readonly #listeners = new Set<() => void>()
  #cancel: (() => void) | undefined

  /** `everyMs` where other processes commit, too. */
  constructor(clock: Clock, everyMs?: number) {
    this.#clock = clock
    this.#everyMs = everyMs
  }

  ring(): void {
    for (const listener of this.#listeners) listener()
  }

  /** Returns the way to stop. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener)
    if (this.#listeners.size === 1) this.#wait()
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size === 0) this.#cancel?.()
    }
  }

  #wait(): void {
    if (this.#everyMs === undefined) return
    this.#cancel = this.#clock.after(this.#everyMs, () => {
      this.ring()
      this.#wait()
    })
  }
}
