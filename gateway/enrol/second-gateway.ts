import type { Clock, MonotonicMs } from '../core/clock.js'
import { LIMITS } from '../core/limits.js'
import type { MqttConnection } from '../mqtt/connection.js'

const REASON =
  'Another gateway connects as this store again and again: a cloned card, or the one that was ' +
  'replaced. Switch one of them off. Both sell on, and nothing is lost.'

/**
 * Rings where the broker hands the store's session to another client again and again; returns the
 * way to stop. Only MQTT 5 says why a session ends (§3.14.2.1).
 */
export function watchSecondGateway(options: {
  readonly connection: MqttConnection
  readonly alarms: {
    raise(alarm: 'second-gateway', reason: string): void
    clear(alarm: 'second-gateway'): void
  }
  readonly clock: Clock
}): () => void {
  const { connection, alarms, clock } = options
  let taken: readonly MonotonicMs[] = []
  let cancel: () => void = () => undefined
  const leave = connection.onState(state => {
    if (state.type !== 'connecting' || state.code !== 'TB_MQTT_TAKEN_OVER') return
    const nowMs = clock.monotonicMs()
    taken = [...taken, nowMs].filter(atMs => nowMs - atMs < LIMITS.takenOverMs)
    if (taken.length >= LIMITS.takenOverTimes) alarms.raise('second-gateway', REASON)
    cancel()
    cancel = clock.after(LIMITS.takenOverMs, () => alarms.clear('second-gateway'))
  })
  return () => {
    cancel()
    leave()
  }
}
