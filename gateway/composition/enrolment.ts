import { existsSync, readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { CONFIG_YAML_VARIABLE, type Environment } from '../config/environment.js'
import { type Fleet, readFleet } from '../config/fleet.js'
import { systemClock } from '../core/clock.js'
import { writeDurably } from '../core/durable-file.js'
import { messageOf } from '../core/errors.js'
import type { Logger } from '../core/log.js'
import { systemRandom } from '../core/random.js'
import { type Trial, tellLauncher } from '../core/release.js'
import { ok, type Result } from '../core/result.js'
import type { ServiceManager } from '../core/service-manager.js'
import { softwareVersion } from '../core/software.js'
import { type Device, deviceWith, forgetNextKey, openNextKey } from '../enrol/device.js'
import { Enrolment } from '../enrol/enrolment.js'
import { type Identity, identityPaths, readIdentity, saveIdentity } from '../enrol/identity.js'
import { keepIdentityTwice } from '../enrol/identity-copy.js'
import { parseBrokerUrl } from '../mqtt/broker-url.js'
import { MqttJsConnection } from '../mqtt/mqtt-js-connection.js'
import { publicKeyFromPem } from '../security/signature.js'
import { openStoreKey, PUBLIC_FILE } from '../security/store-key.js'
import { deviceOf } from '../wire/enrol.js'
import { topicsUnder } from '../wire/topics.js'

const FAREWELL_MS = 2_000
const UNCONFIGURED = "# HQ's document of kind configuration comes in place of this file.\n{}\n"

/** Where a configuration comes from: a file where one is named, and what overrides it. */
export interface ConfigOrigin {
  readonly file: string | undefined
  readonly env: Environment
}

/** A gateway of a fleet, and who it is by now. */
export interface Member {
  readonly fleet: Fleet
  readonly identity: Identity | undefined
}

/** Nothing where it is set up by hand; failures are lines for the operator. */
export function readMember(env: Environment): Result<Member | undefined, readonly string[]> {
  const fleet = readFleet(env)
  if (!fleet.ok) return fleet
  if (fleet.value === undefined) return ok(undefined)
  return ok({ fleet: fleet.value, identity: readIdentity(fleet.value.dataDir) })
}

/**
 * What HQ gave a gateway stands before all that variables and documents say, so that none of them
 * can take its identity away. HQ's configuration, once it has come, is a file in `dataDir`.
 */
export function asMember(origin: ConfigOrigin, { fleet, identity }: Member): ConfigOrigin {
  if (identity === undefined) return origin
  const { client, brokerAuthority } = identityPaths(fleet.dataDir)
  return {
    file: origin.file ?? (origin.env[CONFIG_YAML_VARIABLE] ? undefined : configOf(fleet)),
    env: {
      ...origin.env,
      TILLBRIDGE_STORE_ID: identity.store,
      TILLBRIDGE_DATA_DIR: fleet.dataDir,
      TILLBRIDGE_HQ_TLS_CERT_FILE: client,
      TILLBRIDGE_HQ_TLS_KEY_FILE: client,
      ...(fleet.ca === undefined ? {} : { TILLBRIDGE_HQ_TLS_CA_FILE: brokerAuthority }),
    },
  }
}

/** At each start: what HQ gave it, restored from its copy where the card damaged it. */
export async function restoredIdentity(options: {
  readonly fleet: Fleet
  readonly logger: Logger
}): Promise<Identity | undefined> {
  const { fleet, logger } = options
  const { dataDir } = fleet
  const { folder } = identityPaths(dataDir)
  try {
    if ((await keepIdentityTwice(dataDir, systemClock)) === 'restored')
      logger.error({ folder }, 'the identity was damaged: restored from its copy; change the card')
  } catch (thrown) {
    logger.warn({ folder, reason: messageOf(thrown) }, 'the identity could not be copied')
  }
  return readIdentity(dataDir)
}

/**
 * Before a gateway of a fleet is a store's: makes its keys, asks HQ and waits, over any number of
 * restarts. Durable when this resolves; nothing where the signal aborts before HQ has approved.
 * @throws TillbridgeError TB_DATA_FORBIDDEN, TB_JOURNAL_WRITE
 */
export async function enrol(options: {
  readonly fleet: Fleet
  readonly logger: Logger
  readonly manager: ServiceManager | undefined
  /** Who must not take the wait for a fault of this version. */
  readonly trial: Trial | undefined
  readonly signal: AbortSignal
}): Promise<Identity | undefined> {
  const { fleet, logger, manager, trial, signal } = options
  const { dataDir } = fleet
  const tell = async (word: 'waits' | 'ended'): Promise<void> => {
    if (trial !== undefined)
      await tellLauncher(trial, { text: `${word} ${softwareVersion()}`, logger })
  }
  await tell('waits')
  const device = await openDevice(fleet)
  const tlsKey = await openNextKey(dataDir)
  const connection = fleetConnection({ fleet, device, logger })
  connection.start()
  const { store, code } = fleet
  const approval = await new Enrolment({
    device,
    tlsKey,
    applicant: {
      software: softwareVersion(),
      hardware: hardwareName(),
      ...(store === undefined ? {} : { store }),
      ...(code === undefined ? {} : { code }),
    },
    keys: fleet.keys,
    connection,
    topics: topicsUnder(fleet.topicRoot),
    clock: systemClock,
    logger: logger.child({ room: 'enrol' }),
    onRefused: () => forgetNextKey(dataDir),
    tell: text => manager?.tell(`STATUS=${text}\nEXTEND_TIMEOUT_USEC=180000000`),
  }).run(signal)
  await connection.stop(FAREWELL_MS)
  if (approval === undefined) {
    await tell('ended')
    return undefined
  }
  const identity = { store: approval.store, authority: approval.authority }
  const { certificate } = approval
  await saveIdentity(dataDir, { identity, certificate, key: tlsKey.pem })
  await forgetNextKey(dataDir)
  logger.warn({ store: identity.store, device: device.id }, 'HQ approved this gateway')
  return identity
}

/** Why there is no shop yet, where HQ has not approved this gateway. */
export function waitingText({ fleet, identity }: Member): string | undefined {
  if (identity !== undefined) return undefined
  const file = join(fleet.dataDir, PUBLIC_FILE)
  const device = existsSync(file)
    ? deviceOf(publicKeyFromPem(readFileSync(file, 'utf8')))
    : 'none yet'
  return `this gateway waits for HQ to approve it (\`tillbridge run\`); its fingerprint: ${device}`
}

/** Files that a member has from its variables, or before HQ sends its own; at each start. */
export async function layOutMember({ fleet }: Member): Promise<void> {
  const { brokerAuthority } = identityPaths(fleet.dataDir)
  if (fleet.ca !== undefined) await writeDurably(brokerAuthority, { text: fleet.ca, mode: 0o644 })
  const file = configOf(fleet)
  if (!existsSync(file)) await writeDurably(file, { text: UNCONFIGURED, mode: 0o600 })
}

function configOf({ dataDir }: Fleet): string {
  return join(dataDir, 'shop.yaml')
}

/** @throws TillbridgeError TB_DATA_FORBIDDEN, TB_JOURNAL_WRITE */
async function openDevice({ dataDir }: Fleet): Promise<Device> {
  await mkdir(dataDir, { recursive: true })
  return deviceWith((await openStoreKey(dataDir, systemRandom)).key)
}

function fleetConnection(given: {
  readonly fleet: Fleet
  readonly device: Device
  readonly logger: Logger
}): MqttJsConnection {
  const { fleet, device, logger } = given
  const { host, port } = parseBrokerUrl(fleet.url)
  const { username, password, ca } = fleet
  return new MqttJsConnection({
    address: {
      host,
      port,
      clientId: `tillbridge-enrol.${device.id}`,
      username,
      password,
      tls: ca === undefined ? {} : { ca },
    },
    clock: systemClock,
    random: systemRandom,
    logger: logger.child({ room: 'mqtt' }),
  })
}

/** What is printed on the board, as Linux has it from there; elsewhere the machine's name. */
function hardwareName(): string {
  const parts = ['model', 'serial-number'].flatMap(name => {
    try {
      const text = readFileSync(`/proc/device-tree/${name}`, 'utf8')
      return [text.replace(/[^\x20-\x7e]/g, '')]
    } catch {
      return []
    }
  })
  return parts.length > 0 ? parts.join(', ') : hostname()
}
