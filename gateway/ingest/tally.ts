import { createHash } from 'node:crypto'
import { dataDigest, type Event, type EventData } from '../event/event.js'

/** What is left of facts of one type that are counted, not kept. */
export class Tally {
  readonly #hash = createHash('sha256')
  #count = 0
  #first: Event | undefined
  #last: Event | undefined

  get first(): Event | undefined {
    return this.#first
  }

  /** Nothing where nothing was counted. */
  get summary(): EventData<'event.summarised'> | undefined {
    if (this.#first === undefined || this.#last === undefined) return undefined
    return {
      type: this.#first.type,
      count: this.#count,
      digest: this.#hash.copy().digest('hex'),
      first: this.#first.time,
      last: this.#last.time,
    }
  }

  add(event: Event): void {
    this.#hash.update(dataDigest(event), 'hex')
    this.#count += 1
    this.#first ??= event
    this.#last = event
  }
}
