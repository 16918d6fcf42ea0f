import type { Clock } from '../core/clock.js'
import { TillbridgeError } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import { SerialQueue } from '../core/serial-queue.js'
import type { MqttConnection } from '../mqtt/connection.js'
import { encodeAnswerChunk } from '../wire/answer.js'
import type { AnswerMemory } from './answer-memory.js'

/** How soon after a lost connection a chunk is tried again. */
const AGAIN_MS = 500

export interface AnswerSenderOptions {
  readonly connection: MqttConnection
  readonly topicOf: (chunk: number) => string
  readonly id: string
  readonly memory: AnswerMemory
  readonly clock: Clock
  /** Aborts what waits for the connection, or for its turn. */
  readonly signal: AbortSignal
}

/**
 * Sends an answer that is longer than an outcome, piece by piece: no faster than a shop's link can
 * spare, and on over a lost connection, from the piece that the broker did not take.
 */
export class AnswerSender {
  readonly #options: AnswerSenderOptions
  readonly #queue = new SerialQueue()
  #sent = 0
  #nextAtMs: number

  constructor(options: AnswerSenderOptions) {
    this.#options = options
    this.#nextAtMs = options.clock.monotonicMs()
  }

  /**
   * Resolves when the broker has it. @throws RangeError where it is too large: a defect;
   * TillbridgeError TB_MQTT_CLOSED once the signal aborted, TB_MQTT_DENIED, TB_MQTT_TOO_LARGE
   */
  send(bytes: Uint8Array): Promise<void> {
    if (bytes.length > LIMITS.answerChunkBytes)
      throw new RangeError(`a chunk of ${bytes.length} bytes`)
    return this.#queue.run(() => this.#send({ bytes, last: false }))
  }

  /** Says that nothing follows, where anything went before; how many chunks the broker took. */
  async end(): Promise<number> {
    if (this.#sent > 0)
      await this.#queue
        .run(() => this.#send({ bytes: new Uint8Array(0), last: true }))
        .catch(thrown => {
          if (!(thrown instanceof TillbridgeError)) throw thrown
        })
    return this.#sent
  }

  async #send(chunk: { readonly bytes: Uint8Array; readonly last: boolean }): Promise<void> {
    const { connection, topicOf, id, clock, signal, memory } = this.#options
    await clock.sleep(this.#nextAtMs - clock.monotonicMs(), signal)
    const n = this.#sent
    const payload = encodeAnswerChunk({ id, n, ...chunk })
    const message = { topic: topicOf(n), payload }
    if (signal.aborted && !chunk.last)
      throw new TillbridgeError('TB_MQTT_CLOSED', 'the answer was given up')
    for (;;) {
      const failure = await connection.publish(message).then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
      if (failure === undefined) break
      const isLost = failure instanceof TillbridgeError && failure.code === 'TB_MQTT_CLOSED'
      if (!isLost || signal.aborted) throw failure
      await clock.sleep(AGAIN_MS, signal)
    }
    this.#sent += 1
    memory.keep({ id, chunk: n, payload })
    const paceMs = (chunk.bytes.length * 1000) / LIMITS.answerBytesPerSecond
    this.#nextAtMs = Math.max(this.#nextAtMs, clock.monotonicMs()) + paceMs
  }
}
