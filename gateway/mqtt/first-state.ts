import type { Clock } from '../core/clock.js'
import type { MqttConnection, MqttState } from './connection.js'

/**
 * How a connection that was just started gets on: it is made, or why it is not. As it stands where
 * neither is known in time, or the signal aborts.
 */
export async function firstState(
  connection: MqttConnection,
  options: { readonly withinMs: number; readonly clock: Clock; readonly signal?: AbortSignal },
): Promise<MqttState> {
  const { withinMs, clock, signal } = options
  const known = new AbortController()
  let first = connection.state
  const look = (state: MqttState): void => {
    if (known.signal.aborted) return
    first = state
    if (state.type !== 'connecting' || state.reason !== undefined) known.abort()
  }
  const leave = connection.onState(look)
  const over = signal === undefined ? known.signal : AbortSignal.any([signal, known.signal])
  await clock.sleep(withinMs, over)
  leave()
  return first
}
