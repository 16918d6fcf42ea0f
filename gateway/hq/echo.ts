import type { Clock, MonotonicMs } from '../core/clock.js'
import { Doorbell } from '../core/doorbell.js'
import { TillbridgeError } from '../core/errors.js'
import type { MqttConnection } from '../mqtt/connection.js'

/** A word may be dropped where the broker has more for us than it queues: it is said again. */
const REPEAT_MS = 1000

export type EchoResult = 'heard' | 'refused' | 'silence'

/**
 * Publishes a word and waits to hear it. What is heard proves that the subscription delivers; and,
 * since a broker hands out retained messages at the subscription and keeps the order of what it
 * sends to one client, that what was retained has come.
 */
export async function hearEcho(options: {
  readonly connection: MqttConnection
  /** Nobody else's. */
  readonly topic: string
  /** Covers the topic; where nothing else is said it is the topic. */
  readonly filter?: string
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly silenceMs: number
  /** When something else was last heard that stands before the echo: patience begins anew. */
  readonly heardMs?: () => MonotonicMs
}): Promise<EchoResult> {
  const { connection, topic, filter = topic, clock, signal, silenceMs, heardMs } = options
  const bell = new Doorbell(clock)
  let result: EchoResult | undefined
  const end = (how: EchoResult): void => {
    result ??= how
    bell.ring()
  }
  const abort = (): void => end('silence')
  signal.addEventListener('abort', abort)
  const unsubscribe = connection.subscribe(
    filter,
    () => end('heard'),
    () => end('refused'),
  )
  try {
    const beganMs = clock.monotonicMs()
    while (result === undefined && !signal.aborted) {
      const leftMs = Math.max(beganMs, heardMs?.() ?? 0) + silenceMs - clock.monotonicMs()
      if (leftMs <= 0) return 'silence'
      connection.publish({ topic, payload: '' }).catch(thrown => {
        // Any other failure is a lost connection, and silence is the answer.
        if (thrown instanceof TillbridgeError && thrown.code === 'TB_MQTT_DENIED') end('refused')
      })
      await bell.wait(Math.min(leftMs, REPEAT_MS))
    }
    return result ?? 'silence'
  } finally {
    unsubscribe()
    signal.removeEventListener('abort', abort)
  }
}
