import type { Clock } from '../../core/clock.js'
import { LIMITS } from '../../core/limits.js'

/** Where the copies go, one sender after the other. */
export interface CopySink {
  push(bytes: Uint8Array): void
  endSender(): void
  lose(reason: string): void
}

interface Waiting {
  readonly chunks: Uint8Array[]
  isDone: boolean
}

/**
 * Copies of what several senders say at once, as if each had waited for the one before: until that
 * one is done, or has been silent for `LIMITS.printerTurnMs`. What waits is bounded by
 * `LIMITS.lineBacklogBytes`; beyond it the copies are lost, which the sink is told.
 */
export class CopyOrder<Sender> {
  readonly #clock: Clock
  readonly #sink: CopySink
  /** Who waits, the longest first. */
  readonly #waiting = new Map<Sender, Waiting>()
  #speaker: Sender | undefined
  #spokeAtMs = 0
  #waitingBytes = 0
  #cancelTurn: () => void = () => undefined

  constructor(options: { readonly clock: Clock; readonly sink: CopySink }) {
    this.#clock = options.clock
    this.#sink = options.sink
  }

  heard(sender: Sender, bytes: Uint8Array): void {
    this.#speaker ??= sender
    if (sender === this.#speaker) {
      this.#say(bytes)
      return
    }
    const waiting = this.#waiting.get(sender) ?? { chunks: [], isDone: false }
    this.#waiting.set(sender, waiting)
    waiting.chunks.push(bytes)
    this.#waitingBytes += bytes.length
    if (this.#waitingBytes > LIMITS.lineBacklogBytes) this.#lose()
    else if (this.#waiting.size === 1) this.#watchTurn()
  }

  finished(sender: Sender): void {
    const waiting = this.#waiting.get(sender)
    if (waiting !== undefined) waiting.isDone = true
    if (sender === this.#speaker) this.#next()
  }

  #say(bytes: Uint8Array): void {
    this.#spokeAtMs = this.#clock.monotonicMs()
    this.#sink.push(bytes)
  }

  #watchTurn(): void {
    this.#cancelTurn()
    const silentMs = this.#clock.monotonicMs() - this.#spokeAtMs
    this.#cancelTurn = this.#clock.after(Math.max(0, LIMITS.printerTurnMs - silentMs), () => {
      if (this.#waiting.size === 0) return
      const isSilent = this.#clock.monotonicMs() - this.#spokeAtMs >= LIMITS.printerTurnMs
      if (isSilent) this.#next()
      else this.#watchTurn()
    })
  }

  /** The turn of everybody who waits and is done, and of the first one who is not. */
  #next(): void {
    this.#cancelTurn()
    this.#sink.endSender()
    this.#speaker = undefined
    for (const [sender, { chunks, isDone }] of this.#waiting) {
      this.#waiting.delete(sender)
      for (const bytes of chunks) {
        this.#waitingBytes -= bytes.length
        this.#say(bytes)
      }
      if (!isDone) {
        this.#speaker = sender
        break
      }
      this.#sink.endSender()
    }
    if (this.#waiting.size > 0) this.#watchTurn()
  }

  #lose(): void {
    this.#waiting.clear()
    this.#waitingBytes = 0
    this.#cancelTurn()
    this.#sink.lose('more was printed at once than can wait to be read')
  }
}
