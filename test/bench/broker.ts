import { loadBroker } from '../broker/load.js'
import { say, sayRatio, sayTimes } from './report.js'

const CLIENTS = 200
const PER_SECOND = 2000
const SECONDS = 20

/** Two hundred tills at the in-store broker, beside a client that does everything wrong. */
export async function benchBroker(): Promise<void> {
  const report = await loadBroker({ clients: CLIENTS, perSecond: PER_SECOND, seconds: SECONDS })
  const { sent, acknowledged, journaled, doubled, tookMs, lastsMs, refused } = report
  const rate = Math.round((acknowledged * 1000) / lastsMs)
  say(`${CLIENTS} clients of the in-store broker, ${PER_SECOND} sales a second for ${SECONDS} s`)
  say(
    `  ${sent} sent, ${acknowledged} acknowledged at ${rate}/s; ${journaled} journaled, ${doubled} twice`,
  )
  sayTimes('from PUBLISH to PUBACK, journaled in between', tookMs)
  sayRatio('acknowledged a second, in those sent', rate / PER_SECOND, { atLeast: 0.95 })
  const micros = (report.gatewayMs * 1000) / acknowledged
  say(`  processor time of the gateway a sale, the bad client included: ${micros.toFixed(0)} µs`)
  say(`  publishers of 20 MB cut: ${refused.oversize.join(' of ')}`)
  say(`  connections that said nothing closed: ${refused.silent.join(' of ')}`)
  say(
    `  of one that publishes as fast as it can: ${refused.loud.slice(0, 2).join(' acknowledged of ')}`,
  )
  say(`  subscription to # refused: ${refused.isGreedyFilterRefused}`)
  say(`  subscriber that does not read cut: ${refused.isSlowCut}`)
}
