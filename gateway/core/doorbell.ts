import type { Clock } from './clock.js'

/** What a loop sleeps on: a ring while it works is remembered, many rings are one. */
export class Doorbell {
  readonly #clock: Clock
  #rung = false
  #wake: (() => void) | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  ring(): void {
    this.#rung = true
    this.#wake?.()
  }

  /**
   * Resolves with true at the next ring, at once if one came since the last wait, and with false
   * after `ms`. One waiter at a time.
   */
  async wait(ms?: number): Promise<boolean> {
    if (!this.#rung) {
      let cancel: (() => void) | undefined
      await new Promise<void>(resolve => {
        this.#wake = resolve
        if (ms !== undefined) cancel = this.#clock.after(ms, resolve)
      })
      cancel?.()
      this.#wake = undefined
    }
    const rung = this.#rung
    this.#rung = false
    return rung
  }
}
