import type { Clock } from '../core/clock.js'
import { rfc3339 } from '../core/clock.js'
import { type ErrorCode, messageOf, TillbridgeError } from '../core/errors.js'

/** Why there is no connection: what failed, for alarms, and the words for the status. */
export interface ConnectFailure {
  readonly code: ErrorCode
  readonly reason: string
  /** The broker does not speak MQTT 5. */
  readonly oldProtocol?: true
}

/** CONNACK return codes of 3.1.1 (§3.2.2.3) and reason codes of 5 (§3.2.2.2). */
const UNSUPPORTED_VERSION = new Set([1, 132])
const REFUSED: Readonly<Record<number, string>> = {
  2: 'the client id is not accepted',
  4: 'user name or password is wrong',
  5: 'not authorised',
  133: 'the client id is not accepted',
  134: 'user name or password is wrong',
  135: 'not authorised',
  138: 'banned',
  140: 'the authentication method is not accepted',
}

export function refusedByBroker(reasonCode: number): ConnectFailure {
  if (UNSUPPORTED_VERSION.has(reasonCode))
    return {
      code: 'TB_MQTT_REFUSED',
      reason: 'the broker does not speak MQTT 5',
      oldProtocol: true,
    }
  const reason = REFUSED[reasonCode]
  return reason === undefined
    ? { code: 'TB_MQTT_UNREACHABLE', reason: `the broker is not available (code ${reasonCode})` }
    : { code: 'TB_MQTT_REFUSED', reason: `the broker refused: ${reason}` }
}

const TLS_REASONS: Readonly<Record<string, string>> = {
  SELF_SIGNED_CERT_IN_CHAIN: "the CA given did not sign the broker's certificate",
  DEPTH_ZERO_SELF_SIGNED_CERT: "the broker's certificate is self-signed and not the CA given",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "the CA given did not sign the broker's certificate",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "the CA given did not sign the broker's certificate",
  CERT_SIGNATURE_FAILURE: "the CA given did not sign the broker's certificate",
  ERR_TLS_CERT_ALTNAME_INVALID: "the broker's certificate is for another host name",
  EPROTO: 'the TLS handshake failed; is this a TLS port?',
  ERR_SSL_WRONG_VERSION_NUMBER: 'the TLS handshake failed; is this a TLS port?',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'the broker wants a client certificate',
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: 'the broker does not accept our certificate',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'the broker does not know who signed our certificate',
}

const NETWORK_REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'the host name does not resolve',
  EAI_AGAIN: 'the host name does not resolve now (no DNS)',
  ETIMEDOUT: 'no answer from the host',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no network',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was reset',
}

/** The failure that a socket's error means. */
export function failureOfSocket(
  error: Error & { readonly code?: unknown },
  clock: Clock,
): ConnectFailure {
  const code = typeof error.code === 'string' ? error.code : ''
  if (code === 'CERT_NOT_YET_VALID' || code === 'CERT_HAS_EXPIRED') {
    const state = code === 'CERT_HAS_EXPIRED' ? 'has expired' : 'is not yet valid'
    const now = rfc3339(clock.wallMs(), 'UTC')
    return {
      code: 'TB_MQTT_TLS',
      reason: `the broker's certificate ${state}; this clock says ${now}`,
    }
  }
  const tls = TLS_REASONS[code]
  if (tls !== undefined) return { code: 'TB_MQTT_TLS', reason: `${tls} (${code})` }
  if (code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS') || code.includes('CERT'))
    return { code: 'TB_MQTT_TLS', reason: `TLS failed (${code})` }
  const network = NETWORK_REASONS[code]
  return {
    code: 'TB_MQTT_UNREACHABLE',
    reason: network === undefined ? messageOf(error) : `${network} (${code})`,
  }
}

/** MQTT 5 §3.14.2.1; an older protocol ends a connection without a word. */
export function farewellOf(reasonCode: number): ConnectFailure {
  return reasonCode === 142
    ? { code: 'TB_MQTT_TAKEN_OVER', reason: 'another client connected with this client id' }
    : { code: 'TB_MQTT_UNREACHABLE', reason: `the broker said goodbye (code ${reasonCode})` }
}

export function closedError(reason: string): TillbridgeError {
  return new TillbridgeError('TB_MQTT_CLOSED', reason)
}
