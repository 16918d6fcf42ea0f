import type { BleLine } from '../config/ble.js'
import type { ShopConfig } from '../config/schema.js'
import { systemClock } from '../core/clock.js'
import { TillbridgeError } from '../core/errors.js'
import { ok, type Result } from '../core/result.js'
import { portsNamed, readPortName } from '../line/transport/port-name.js'
import { listSerialPorts } from '../line/transport/serial-port-list.js'
import type { Connection } from '../line/transport/transport.js'
import { type UsbDevice, usbDeviceOf } from '../line/transport/usb-device.js'
import type { Dialect } from '../profile/dialect.js'
import { overMqtt } from '../profile/over-mqtt.js'
import type { ProfileSource } from '../profile/profile-source.js'
import { ProfileRegistry } from '../profile/registry.js'
import type { Identify } from '../profile/schema.js'
import type { SensorKey } from '../protocol/catalog.js'
import { findFirmware, type Identity } from '../terminal/identify.js'
import { Overheard } from '../terminal/overheard.js'

type TerminalConfig = ShopConfig['terminals'][number]

/** A terminal of the configuration, and how it speaks. */
export interface Spoken {
  readonly terminal: TerminalConfig
  readonly dialect: Dialect
  /** How it is asked what it is, where the configuration does not say it. */
  readonly identify?: (line: Overheard) => Promise<Identity>
  /** The line with all that was heard on it, where such a terminal answers; absent: none can. */
  readonly recognise: ((connection: Connection) => Promise<Connection | undefined>) | undefined
  /** What it would speak by these profiles, where that is something else than now. */
  renewed(registry: ProfileRegistry): Result<Dialect | undefined, TillbridgeError>
  /** From here on these profiles count. */
  adopt(registry: ProfileRegistry): void
}

export async function openRegistry(source: ProfileSource): Promise<ProfileRegistry> {
  const files = await source.load()
  if (files.ok) return new ProfileRegistry(files.value)
  throw new TillbridgeError('TB_PROFILE_INVALID', files.error.join('\n'))
}

/**
 * The dialect of each configured terminal. @throws TillbridgeError TB_PROFILE_…, TB_FIRMWARE_…
 */
export function resolveDialects(config: ShopConfig, registry: ProfileRegistry): readonly Spoken[] {
  const unproven = unprovenOf(config, registry)
  if (unproven !== undefined) throw unproven
  return config.terminals.map(terminal => spokenBy(terminal, registry))
}

/**
 * What is wrong with the profiles in use, but for those that the configuration forces by name. The
 * cases of a profile take milliseconds, those of all take seconds.
 */
export function unprovenOf(
  config: ShopConfig,
  registry: ProfileRegistry,
): TillbridgeError | undefined {
  const inUse = new Set(config.terminals.map(({ profile }) => profile))
  for (const profile of inUse) {
    const proof = registry.proof(profile)
    if (!proof.ok && !config.profilesUnproven.includes(profile)) return proof.error
  }
  return undefined
}

function spokenBy(terminal: TerminalConfig, given: ProfileRegistry): Spoken {
  let registry = given
  let found: string | undefined
  const { profile, line: config } = terminal
  const described = (): Parameters<ProfileRegistry['speechOf']>[0] => {
    const firmware = terminal.firmware ?? found
    const { address } = terminal
    const key = config.type === 'ble' ? sensorKey(config) : undefined
    return {
      profile,
      ...(firmware === undefined ? {} : { firmware }),
      ...(address === undefined ? {} : { address }),
      ...(key === undefined ? {} : { key }),
    }
  }
  const usb = async () => (config.type === 'serial' ? usbBehind(config.path) : undefined)
  const said = (dialect: Dialect): Dialect => (config.type === 'mqtt' ? overMqtt(dialect) : dialect)
  const speech = registry.speechOf(described())
  if (!speech.ok) {
    const { code, message } = speech.error
    throw new TillbridgeError(code, `${terminal.id}: ${message}`)
  }
  // Its firmware is looked up in the table each time: a changed one may mean another dialect.
  const identify = async (line: Overheard): Promise<Identity> => {
    const answer = await findFirmware({ methods: registry.identifyOf(profile), line, usb })
    found = answer?.firmware
    const now = registry.speechOf(described())
    if (!now.ok) throw now.error
    return { dialect: now.value, ...(answer === undefined ? {} : { found: answer }) }
  }
  return {
    terminal,
    dialect: said(speech.value),
    recognise: recogniser(registry.identifyOf(profile)),
    ...(terminal.firmware === undefined ? { identify } : {}),
    renewed: next => {
      const isSame = registry.wordingOf(described()) === next.wordingOf(described())
      if (isSame) return ok(undefined)
      const speaks = next.speechOf(described())
      return speaks.ok ? ok(said(speaks.value)) : speaks
    },
    adopt: next => {
      registry = next
    },
  }
}

/** By a question that only such a terminal answers; its adapter says the same for all of them. */
function recogniser(methods: readonly Identify[]): Spoken['recognise'] {
  const queries = methods.filter(({ type }) => type === 'query' || type === 'zvt')
  if (queries.length === 0) return undefined
  return async connection => {
    const line = new Overheard(connection, systemClock)
    const found = await findFirmware({ methods: queries, line, usb: async () => undefined })
    return found === undefined ? undefined : line
  }
}

function sensorKey({ key: bindKey, address }: BleLine): SensorKey | undefined {
  return bindKey === undefined || address === undefined ? undefined : { bindKey, address }
}

async function usbBehind(path: string): Promise<UsbDevice | undefined> {
  const name = readPortName(path)
  if (name === undefined) return usbDeviceOf(path)
  return portsNamed(name, await listSerialPorts())[0]?.usb
}
