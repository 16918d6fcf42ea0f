import type { Clock, MonotonicMs } from '../core/clock.js'
import { LIMITS } from '../core/limits.js'

/** What health is judged by. */
export interface Condition {
  /** The longest that the event loop stood still, lately. */
  readonly loopMs: number
  /** The longest that an event has waited for the disk. */
  readonly journalMs: number
  /** Why the journal takes nothing. */
  readonly refusal?: string
  /** The state of each terminal's line. */
  readonly terminals: readonly string[]
}

export type Health = { readonly state: 'well' } | { readonly state: 'ill'; readonly why: string[] }

/** Says whether the process still does what it is there for. */
export class HealthWatch {
  readonly #clock: Clock
  /** Since when no terminal is of use. */
  #deafSinceMs: MonotonicMs | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  judge({ loopMs, journalMs, refusal, terminals }: Condition): Health {
    const nowMs = this.#clock.monotonicMs()
    const isDeaf = terminals.length > 0 && !terminals.includes('connected')
    this.#deafSinceMs = isDeaf ? (this.#deafSinceMs ?? nowMs) : undefined
    const deafMs = nowMs - (this.#deafSinceMs ?? nowMs)
    const why = [
      ...(loopMs >= LIMITS.healthLoopMs ? [`the event loop stood still for ${loopMs} ms`] : []),
      ...(refusal === undefined ? [] : [`the journal takes nothing: ${refusal}`]),
      ...(journalMs >= LIMITS.healthJournalMs
        ? [`an event waits for the disk since ${Math.round(journalMs)} ms`]
        : []),
      ...(deafMs >= LIMITS.healthTerminalsMs
        ? [`no terminal is of use since ${Math.round(deafMs / 1000)} s`]
        : []),
    ]
    return why.length === 0 ? { state: 'well' } : { state: 'ill', why }
  }
}
