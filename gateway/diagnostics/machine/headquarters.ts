import { lookup } from 'node:dns/promises'
import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import type { ShopConfig } from '../../config/schema.js'
import { messageOf } from '../../core/errors.js'
import { checkTlsFiles } from '../../security/tls-files.js'
import { judgeCertificates } from './certificates.js'
import type { Check, Finding, HqLogin, Machine } from './check.js'
import { raceTimeout } from './race-timeout.js'
import { type TcpAddress, tryConnect } from './tcp-port.js'
import { shakeHands } from './tls-handshake.js'

type Headquarters = ShopConfig['hq']

const DNS_TIMEOUT_MS = 5000
const TLS_TIMEOUT_MS = 8000

/** Time enough to renew before the shop falls silent. */
const RENEW_MS = 30 * 24 * 3600 * 1000

/** The files by which the shop shows HQ who it is, and by which it knows HQ. */
export const checkHqFiles: Check = async ({ config, clock }) => {
  const { tls } = config?.hq ?? {}
  if (tls === undefined) return []
  const name = 'HQ files'
  const { faults, certificate } = checkTlsFiles(tls, clock.wallMs())
  const [fault] = faults
  if (fault !== undefined)
    return [{ name, state: 'fail', found: faults.join('; '), doThis: `Mend \`hq.tls\`: ${fault}.` }]
  if (certificate === undefined) return [{ name, state: 'ok', found: 'can be read' }]
  const { name: who, validToMs } = certificate
  const found = `"${who}" is valid until ${new Date(validToMs).toISOString().slice(0, 10)}`
  if (validToMs - clock.wallMs() > RENEW_MS) return [{ name, state: 'ok', found }]
  return [{ name, state: 'warn', found, doThis: 'Have HQ renew it before that day.' }]
}

/** HQ's broker, one step after the other: its name, its port, its certificates, and a login. */
export const checkHeadquarters: Check = async machine => {
  const hq = machine.config?.hq
  if (hq === undefined) return []
  const url = new URL(hq.url)
  const secure = url.protocol === 'mqtts:'
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const address = { host, port: Number(url.port || (secure ? 8883 : 1883)) }
  const findings: Finding[] = []
  for (const step of [checkName, checkPort, ...(secure ? [checkTls] : []), checkLogin]) {
    const finding = await step({ machine, address, hq })
    if (finding === undefined) continue
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

/** Nothing where a gateway asks, which is logged in. */
async function checkLogin({ machine, hq }: Step): Promise<Finding | undefined> {
  const { config, hqLogin } = machine
  if (hqLogin === undefined || config === undefined) return undefined
  const name = 'HQ login'
  const who = `${hq.username} at ${hq.url}`
  const login = await hqLogin(config).catch(
    (thrown: unknown): HqLogin => ({
      type: 'refused',
      code: 'TB_CONFIG_UNREADABLE',
      reason: messageOf(thrown),
    }),
  )
  if (login.type === 'refused')
    return {
      name,
      state: 'fail',
      found: `${who}: ${login.reason}`,
      doThis: remedyOf(login, config),
    }
  const found = `${who}: accepted, MQTT ${login.protocol}`
  if (login.isLedgerHeard || hq.mode === 'direct') return { name, state: 'ok', found }
  const doThis =
    `Check that \`tillbridge hq\` runs there, and that ${hq.username} may read ` +
    `${hq.topicRoot}/hq/#: the broker does not say so itself.`
  return { name, state: 'warn', found: `${found}; no word of HQ's ledger is there`, doThis }
}

function remedyOf(
  { code, reason }: Extract<HqLogin, { type: 'refused' }>,
  { store, hq }: ShopConfig,
): string {
  const own = `${hq.topicRoot}/${store}`
  const writes = hq.mode === 'direct' ? `${own}/up/# and ${own}/events/#` : `${own}/up/#`
  switch (code) {
    case 'TB_MQTT_DENIED':
      return (
        `HQ's access rules must let ${hq.username} write ${writes}, and read ${own}/down/# and ` +
        `${hq.topicRoot}/hq/# (docs/hq.md).`
      )
    case 'TB_MQTT_REFUSED':
      return /user name or password|not authorised/.test(reason)
        ? 'Check `hq.username` and its password (`hq.passwordFile`): HQ gave them to this shop.'
        : "Ask HQ's administrator: the broker's log says more."
    case 'TB_MQTT_TLS':
      return 'Check `hq.tls`: caFile signs the broker; certFile and keyFile are from HQ.'
    case 'TB_CONFIG_UNREADABLE':
      return 'Check the files that `hq.tls` names, and who may read them.'
    default:
      return (
        'Something else than an MQTT broker answers at that port: it is 1883 as a rule, and ' +
        '8883 with TLS, where `hq.url` begins with mqtts://.'
      )
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
