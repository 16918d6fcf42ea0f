/** Where a broker listens, and whether by TLS. */
export interface BrokerEndpoint {
  readonly host: string
  readonly port: number
  readonly secure: boolean
}

/**
 * `mqtt://host[:1883]` or `mqtts://host[:8883]`.
 * @throws TypeError for anything else; configurations check their URLs before.
 */
export function parseBrokerUrl(text: string): BrokerEndpoint {
  const url = new URL(text)
  const secure = url.protocol === 'mqtts:'
  if (!secure && url.protocol !== 'mqtt:') throw new TypeError(`not a broker's URL: ${text}`)
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  return { host, port: Number(url.port || (secure ? 8883 : 1883)), secure }
}
