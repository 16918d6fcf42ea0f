import type { Event, EventData } from '../event/event.js'
import { Tally } from './tally.js'

/** Writes a summary; false where the journal did not take it. */
type WriteSummary = (like: Event, data: EventData<'event.summarised'>) => Promise<boolean>

/** Facts of one terminal and type that are not kept, from one summary event to the next. */
export class Summary {
  readonly #write: WriteSummary
  #tally = new Tally()
  /** While a summary is being written: what is counted if the journal does not take it. */
  #ifRefused: Tally | undefined

  constructor(write: WriteSummary) {
    this.#write = write
  }

  add(event: Event): void {
    this.#tally.add(event)
    this.#ifRefused?.add(event)
  }

  /** One event for what was counted since the last; false where nothing was. */
  async flush(): Promise<boolean> {
    if (this.#ifRefused !== undefined) return true
    const { first, summary } = this.#tally
    if (first === undefined || summary === undefined) return false
    this.#ifRefused = this.#tally
    this.#tally = new Tally()
    const isWritten = await this.#write(first, summary)
    if (!isWritten) this.#tally = this.#ifRefused
    this.#ifRefused = undefined
    return true
  }
}
