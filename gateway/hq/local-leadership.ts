import type { Leadership } from './ledger.js'

/** Leadership where only this process can reach the outbox: never lost, one at a time. */
export class LocalLeadership {
  #isTaken = false

  take(): Leadership | undefined {
    if (this.#isTaken) return undefined
    this.#isTaken = true
    return {
      lost: new AbortController().signal,
      resign: async () => {
        this.#isTaken = false
      },
    }
  }
}
