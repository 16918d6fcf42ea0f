import type { Clock } from '../core/clock.js'
import type { PseudoTerminal } from './pseudo-terminal.js'

const ACK = 0x06
const NAK = 0x15

/** Longer than the gateway may take to answer (its dialect's limit): a later answer never comes. */
const ANSWER_TIMEOUT_MS = 3_000
/** A terminal that was told "not now" does not hammer. */
const NAK_PAUSE_MS = 250
/** How long a terminal that is switched off still waits for the answer to its last message. */
const LAST_ANSWER_MS = 4_000

type Answer = 'ack' | 'nak' | 'none'

/** The terminal's end of a line. */
export type TerminalLine = Pick<PseudoTerminal, 'write' | 'onData'>

/** The terminal's side of an ACK/NAK protocol: a frame is sent again until it is acknowledged. */
export class StopAndWait {
  readonly #line: TerminalLine
  readonly #clock: Clock
  readonly #stopListening: () => void
  #onAnswer: ((answer: Answer) => void) | undefined
  #repeats = 0
  #isSending = false

  constructor(options: { readonly line: TerminalLine; readonly clock: Clock }) {
    this.#line = options.line
    this.#clock = options.clock
    this.#stopListening = options.line.onData(bytes => this.#hear(bytes))
  }

  /** Frames sent again, for want of an acknowledgement. */
  get repeats(): number {
    return this.#repeats
  }

  /** True once acknowledged; false where the signal aborted and no answer came soon after. */
  async deliver(frame: Uint8Array, signal: AbortSignal): Promise<boolean> {
    for (let isFirst = true, giveUpAtMs = Number.POSITIVE_INFINITY; ; isFirst = false) {
      if (!isFirst) this.#repeats += 1
      const answer = this.#answer()
      await Promise.race([this.#send(frame), answer])
      const heard = await answer
      if (heard === 'ack') return true
      if (heard === 'nak') await this.#clock.sleep(NAK_PAUSE_MS)
      const nowMs = this.#clock.monotonicMs()
      if (signal.aborted) giveUpAtMs = Math.min(giveUpAtMs, nowMs + LAST_ANSWER_MS)
      if (nowMs >= giveUpAtMs) return false
    }
  }

  close(): void {
    this.#stopListening()
  }

  /** A line that takes nothing (nobody reads it) is not piled upon: an old copy would come late. */
  async #send(frame: Uint8Array): Promise<void> {
    if (this.#isSending) return
    this.#isSending = true
    await this.#line.write(frame)
    this.#isSending = false
  }

  /** Listens from just before the frame is sent: what came earlier answers nothing. */
  #answer(): Promise<Answer> {
    return new Promise(resolve => {
      const settle = (answer: Answer): void => {
        this.#onAnswer = undefined
        cancel()
        resolve(answer)
      }
      const cancel = this.#clock.after(ANSWER_TIMEOUT_MS, () => settle('none'))
      this.#onAnswer = settle
    })
  }

  #hear(bytes: Uint8Array): void {
    const answer = bytes.find(byte => byte === ACK || byte === NAK)
    if (answer !== undefined) this.#onAnswer?.(answer === ACK ? 'ack' : 'nak')
  }
}
