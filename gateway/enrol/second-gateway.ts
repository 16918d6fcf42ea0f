import type { Clock, MonotonicMs } from '../core/clock.js'
import { type EpochId, epochOrdinal } from '../core/ids.js'
import { LIMITS } from '../core/limits.js'
import type { MqttConnection } from '../mqtt/connection.js'
import { decodeReceipt } from '../wire/receipt.js'

const REASON =
  'Another gateway speaks as this store again and again: a cloned card, or the one that was ' +
  'replaced. Switch one of them off. Both sell on, and nothing is lost.'

/**
 * Rings where another gateway speaks as this store again and again; returns the way to stop. Two
 * things show it: the broker hands the session to another client (MQTT 5 §3.14.2.1; mosquitto
 * 2.0.11 does so without a word), and HQ's receipts speak of an epoch that is not ours and not
 * older. Once is none: a gateway in another's place finds what HQ said to that one.
 */
export function watchSecondGateway(options: {
  readonly connection: MqttConnection
  /** The topic of HQ's receipts for this store. */
  readonly receipts: string
  /** Of the journal as it was opened: no later one is ours. */
  readonly epoch: EpochId
  readonly alarms: {
    raise(alarm: 'second-gateway', reason: string): void
    clear(alarm: 'second-gateway'): void
  }
  readonly clock: Clock
}): () => void {
  const { connection, receipts, epoch, alarms, clock } = options
  let seen: readonly MonotonicMs[] = []
  let cancel: () => void = () => undefined
  const see = (): void => {
    const nowMs = clock.monotonicMs()
    seen = [...seen, nowMs].filter(atMs => nowMs - atMs < LIMITS.secondGatewayMs)
    if (seen.length >= LIMITS.secondGatewayTimes) alarms.raise('second-gateway', REASON)
    cancel()
    cancel = clock.after(LIMITS.secondGatewayMs, () => alarms.clear('second-gateway'))
  }
  const leave = connection.onState(state => {
    if (state.type === 'connecting' && state.code === 'TB_MQTT_TAKEN_OVER') see()
  })
  const silence = connection.subscribe(receipts, ({ payload }) => {
    const receipt = decodeReceipt(payload)
    if (receipt.ok && receipt.value.epochs.some(each => isAnothers(each.epoch, epoch))) see()
  })
  return () => {
    cancel()
    leave()
    silence()
  }
}

function isAnothers(named: EpochId, ours: EpochId): boolean {
  return named !== ours && epochOrdinal(named) >= epochOrdinal(ours)
}
