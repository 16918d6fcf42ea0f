import { eventId, type StoreId, terminalId } from '../../gateway/core/ids.js'
import type { Random } from '../../gateway/core/random.js'
import type { Event } from '../../gateway/event/event.js'
import { reading, sale } from '../support/sample.js'
import type { Store } from './store.js'
import type { Life } from './timeline.js'

/** A till waits so long for its acknowledgement; then it says the sale again. */
const PATIENCE_MS = 5000
/** Acknowledgements that the line loses. */
const ACKS_LOST = 0.1

export interface TillOptions {
  readonly name: string
  /** A fridge gives readings, which are telemetry. */
  readonly kind: 'till' | 'fridge'
  readonly sales: number
  /** Between two sales there may be days. */
  readonly isPatient: boolean
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

  get store(): Store {
    return this.#options.store
  }

  /** From a tenth of a second between customers to a closed shop. */
  async run(): Promise<void> {
    const { sales, life, random, isPatient } = this.#options
    for (let count = 0; count < sales; count += 1) {
      const isLongPause = isPatient && random.unit() < 0.06
      await life.sleep(100 * 10 ** (random.unit() * (isLongPause ? 7.3 : 3)))
      await this.sell()
    }
    this.#isDone = true
  }

  async sell(): Promise<void> {
    const { onAcknowledged } = this.#options
    this.#number += 1
    const { id, event } = this.#next(this.#options.store.name)
    while (!(await this.#say(event)));
    onAcknowledged(id)
  }

  #next(store: StoreId): { readonly id: string; readonly event: Event } {
    const { name, kind } = this.#options
    const number = this.#number
    const id = `${kind === 'till' ? 'sale' : 'reading'}-${name}-${number}`
    const from = { store, terminal: terminalId(name), id: eventId(id) }
    return { id, event: kind === 'till' ? sale({ number, ...from }) : reading(number, from) }
  }

  async #say(event: Event): Promise<boolean> {
    const { life, random, store } = this.#options
    const late = new AbortController()
    const patience = life.sleep(PATIENCE_MS, late.signal).then(() => false)
    // Refused for want of room, or by the disk: it is said again.
    const answer = store.journal?.append([event]).then(
      () => random.unit() > ACKS_LOST,
      () => patience,
    )
    const isHeard = await Promise.race(answer === undefined ? [patience] : [answer, patience])
    if (isHeard) late.abort()
    else await patience
    return isHeard
  }
}
