import type { Clock } from '../core/clock.js'
import { LIMITS } from '../core/limits.js'
import type { FragmentChange, Fragments } from './ingest.js'

/** What a terminal said of a message that is not whole yet: what the journal holds of it. */
export class GatheredParts {
  readonly #source: string
  readonly #fragments: Fragments
  readonly #clock: Clock
  readonly #isUnfinished: (held: readonly Uint8Array[]) => boolean
  readonly #onIdle: (held: readonly Uint8Array[]) => void
  /** Nothing before it was read, and after a write of which nobody knows how it ended. */
  #held: readonly Uint8Array[] | undefined
  #cancelIdle: () => void = () => undefined

  /** `onIdle`: these have waited for further ones for too long. */
  constructor(options: {
    readonly source: string
    readonly fragments: Fragments
    readonly clock: Clock
    readonly isUnfinished: (held: readonly Uint8Array[]) => boolean
    readonly onIdle: (held: readonly Uint8Array[]) => void
  }) {
    this.#source = options.source
    this.#fragments = options.fragments
    this.#clock = options.clock
    this.#isUnfinished = options.isUnfinished
    this.#onIdle = options.onIdle
  }

  /** What is held; nothing where the journal cannot say so now. */
  async read(): Promise<readonly Uint8Array[] | undefined> {
    if (this.#held !== undefined) return this.#held
    const held = await this.#fragments(this.#source)
    if (held !== undefined) this.#hold(held)
    return held
  }

  /** What the journal has to write for this to be held, which goes with the events. */
  changeTo(after: readonly Uint8Array[]): FragmentChange {
    return { source: this.#source, before: this.#held ?? [], after }
  }

  /** The change was written, or it was refused. */
  settled(change: FragmentChange, isWritten: boolean): void {
    if (isWritten) this.#hold(change.after)
    else this.stop()
  }

  stop(): void {
    this.#cancelIdle()
    this.#held = undefined
  }

  #hold(held: readonly Uint8Array[]): void {
    this.#cancelIdle()
    this.#held = held
    this.#cancelIdle = this.#isUnfinished(held)
      ? this.#clock.after(LIMITS.gatheredMs, () => this.#onIdle(held))
      : () => undefined
  }
}
