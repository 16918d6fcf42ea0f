import { messageOf, TillbridgeError } from '../core/errors.js'
import { ABANDONED, type PassEnd } from './pass.js'

/** What a publish that failed means for the pass it was part of. */
export function publishFailure(thrown: unknown): PassEnd {
  const code = thrown instanceof TillbridgeError ? thrown.code : undefined
  const reason = messageOf(thrown)
  switch (code) {
    case 'TB_MQTT_CLOSED':
      return ABANDONED
    case 'TB_MQTT_DENIED':
      return {
        status: { state: 'denied', reason: `forbidden by the broker: ${reason}` },
        soon: false,
      }
    case 'TB_MQTT_TOO_LARGE':
      return {
        status: { state: 'denied', reason: `too large for the broker: ${reason}` },
        soon: false,
      }
    default:
      return { status: { state: 'connecting', reason }, soon: false }
  }
}
