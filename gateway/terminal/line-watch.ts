import type { Clock } from '../core/clock.js'
import { Garbage } from './garbage.js'
import type { LineState } from './line-state.js'

/** A line that is open and of no use. */
export type Unusable = Extract<LineState, { readonly type: 'silent' | 'garbled' | 'babbling' }>

/** The state of one terminal's line, and whether what comes on it makes sense. */
export class LineWatch {
  readonly #garbage: Garbage
  readonly #onBad: (line: Unusable) => void
  readonly #onGood: () => void
  #state: LineState = { type: 'opening' }

  /** Called when an open line becomes of no use, and when it is of use again. */
  constructor(options: {
    readonly clock: Clock
    readonly onBad: (line: Unusable) => void
    readonly onGood: () => void
  }) {
    this.#garbage = new Garbage(options.clock)
    this.#onBad = options.onBad
    this.#onGood = options.onGood
  }

  get state(): LineState {
    return this.#state
  }

  enter(state: LineState): void {
    this.#state = state
  }

  framed(): void {
    this.#garbage.framed()
    this.#believe()
  }

  /** Whether a burst of garbage begins with it: what came before was a frame, or nothing. */
  discarded(bytes: number): boolean {
    const isFirst = this.#garbage.discarded(bytes)
    this.#doubt()
    return isFirst
  }

  understood(): void {
    this.#garbage.understood()
    this.#believe()
  }

  rejected(): void {
    this.#garbage.rejected()
    this.#doubt()
  }

  silent(): void {
    this.#complain({ type: 'silent', reason: 'it answers nothing that it is asked' })
  }

  #believe(): void {
    const isBad = ['silent', 'garbled', 'babbling'].includes(this.#state.type)
    if (!isBad || this.#garbage.complaint !== undefined) return
    this.#state = { type: 'connected' }
    this.#onGood()
  }

  #doubt(): void {
    const { complaint } = this.#garbage
    if (complaint === undefined) return
    const isKnown = this.#state.type === 'garbled' || this.#state.type === 'babbling'
    if (isKnown) this.#state = complaint
    else this.#complain(complaint)
  }

  #complain(line: Unusable): void {
    if (this.#state.type !== 'connected') return
    this.#state = line
    this.#onBad(line)
  }
}
