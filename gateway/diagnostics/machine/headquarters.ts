import { lookup } from 'node:dns/promises'
import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import type { ShopConfig } from '../../config/schema.js'
import { messageOf } from '../../core/errors.js'
import { judgeCertificates } from './certificates.js'
import type { Check, Finding, Machine } from './check.js'
import { raceTimeout } from './race-timeout.js'
import { type TcpAddress, tryConnect } from './tcp-port.js'
import { shakeHands } from './tls-handshake.js'

type Headquarters = ShopConfig['hq']

const DNS_TIMEOUT_MS = 5000
const TLS_TIMEOUT_MS = 8000

/** HQ's broker, one step after the other: its name, its port, its certificates. */
export const checkHeadquarters: Check = async machine => {
  const hq = machine.config?.hq
  if (hq === undefined) return []
  const url = new URL(hq.url)
  const secure = url.protocol === 'mqtts:'
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const address = { host, port: Number(url.port || (secure ? 8883 : 1883)) }
  const findings: Finding[] = []
  for (const step of [checkName, checkPort, ...(secure ? [checkTls] : [])]) {
    const finding = await step({ machine, address, hq })
    findings.push(finding)
    if (finding.state === 'fail') break
  }
  return findings
}

interface Step {
  readonly machine: Machine
  readonly address: TcpAddress
  readonly hq: Headquarters
}

async function checkName({ machine, address: { host } }: Step): Promise<Finding> {
  const name = 'HQ name'
  if (isIP(host) !== 0) return { name, state: 'ok', found: `${host} is an address` }
  try {
    const { clock } = machine
    const found = await raceTimeout({ promise: lookup(host), clock, ms: DNS_TIMEOUT_MS })
    return { name, state: 'ok', found: `${host} is ${found.address}` }
  } catch (thrown) {
    const doThis = "Check `hq.url` and this network's DNS server (`getent hosts` asks it, too)."
    return { name, state: 'fail', found: `${host}: ${messageOf(thrown)}`, doThis }
  }
}

async function checkPort({ machine, address }: Step): Promise<Finding> {
  const name = 'HQ port'
  const shown = `${address.host}:${address.port}`
  try {
    await tryConnect(address, machine.clock)
    return { name, state: 'ok', found: `${shown} answers` }
  } catch (thrown) {
    const doThis = 'Check the port in `hq.url`, the firewall on the way, and that the broker runs.'
    return { name, state: 'fail', found: `${shown}: ${messageOf(thrown)}`, doThis }
  }
}

async function checkTls({ machine, address, hq }: Step): Promise<Finding> {
  const name = 'HQ certificate'
  const serverName = hq.tls?.serverName ?? address.host
  try {
    const shaken = await raceTimeout({
      promise: shakeHands({ ...address, serverName, ...(await tlsFiles(hq.tls ?? {})) }),
      clock: machine.clock,
      ms: TLS_TIMEOUT_MS,
    })
    return { name, ...judgeCertificates({ ...shaken, nowMs: machine.clock.wallMs() }) }
  } catch (thrown) {
    const doThis = 'Check that the port speaks TLS, and `hq.tls` (files, client certificate).'
    return { name, state: 'fail', found: messageOf(thrown), doThis }
  }
}

/** The contents of the files that are named. @throws Error where one cannot be read */
async function tlsFiles(tls: NonNullable<Headquarters['tls']>) {
  const { caFile, certFile, keyFile } = tls
  return {
    ...(caFile === undefined ? {} : { ca: await readFile(caFile) }),
    ...(certFile === undefined ? {} : { cert: await readFile(certFile) }),
    ...(keyFile === undefined ? {} : { key: await readFile(keyFile) }),
  }
}
