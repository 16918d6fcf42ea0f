import { eventId, terminalId } from '../../gateway/core/ids.js'
import type { Random } from '../../gateway/core/random.js'
import type { Event } from '../../gateway/event/event.js'
import { sale } from '../support/sample.js'
import type { Store } from './store.js'
import type { Life } from './timeline.js'

/** A till waits so long for its acknowledgement; then it says the sale again. */
const PATIENCE_MS = 5000
/** Acknowledgements that the line loses. */
const ACKS_LOST = 0.1

export interface TillOptions {
  readonly name: string
  readonly sales: number
  readonly life: Life
  readonly random: Random
  readonly store: Store
  readonly onAcknowledged: (id: string) => void
}

/** Sells, and repeats each sale until the gateway has acknowledged it, then goes on to the next. */
export class Till {
  readonly #options: TillOptions
  #number = 0
  #isDone = false

  constructor(options: TillOptions) {
    this.#options = options
  }

  get isDone(): boolean {
    return this.#isDone
  }

  /** From a tenth of a second between customers to a closed shop. */
  async run(): Promise<void> {
    const { sales, life, random } = this.#options
    for (let count = 0; count < sales; count += 1) {
      const isLongPause = random.unit() < 0.06
      await life.sleep(100 * 10 ** (random.unit() * (isLongPause ? 7.3 : 3)))
      await this.sell()
    }
    this.#isDone = true
  }

  async sell(): Promise<void> {
    const { name, onAcknowledged } = this.#options
    this.#number += 1
    const id = `sale-${name}-${this.#number}`
    const terminal = terminalId(name)
    const event = sale({ number: this.#number, terminal, id: eventId(id) })
    while (!(await this.#say(event)));
    onAcknowledged(id)
  }

  async #say(event: Event): Promise<boolean> {
    const { life, random, store } = this.#options
    const late = new AbortController()
    const patience = life.sleep(PATIENCE_MS, late.signal).then(() => false)
    const answer = store.journal?.append([event]).then(() => random.unit() > ACKS_LOST)
    const isHeard = await Promise.race(answer === undefined ? [patience] : [answer, patience])
    if (isHeard) late.abort()
    else await patience
    return isHeard
  }
}
