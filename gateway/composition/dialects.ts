import type { ShopConfig } from '../config/schema.js'
import { TillbridgeError } from '../core/errors.js'
import { usbDeviceOf } from '../line/transport/usb-device.js'
import type { Dialect } from '../profile/dialect.js'
import { loadRegistry, type ProfileRegistry } from '../profile/registry.js'
import { findFirmware, type Identity } from '../terminal/identify.js'
import type { Overheard } from '../terminal/overheard.js'

/** A terminal of the configuration, and how it speaks. */
export interface Spoken {
  readonly terminal: ShopConfig['terminals'][number]
  readonly dialect: Dialect
  /** How it is asked what it is, where the configuration does not say it. */
  readonly identify?: (line: Overheard) => Promise<Identity>
}

export async function openRegistry(config: ShopConfig): Promise<ProfileRegistry> {
  const registry = await loadRegistry({ extraFolders: config.profiles })
  if (registry.ok) return registry.value
  throw new TillbridgeError('TB_PROFILE_INVALID', registry.error.join('\n'))
}

/**
 * The dialect of each configured terminal. Only the profiles in use have to be proven, and those
 * not that the configuration forces by name: their cases take milliseconds, all of them seconds.
 * @throws TillbridgeError TB_PROFILE_…, TB_FIRMWARE_…
 */
export function resolveDialects(config: ShopConfig, registry: ProfileRegistry): readonly Spoken[] {
  const inUse = new Set(config.terminals.map(({ profile }) => profile))
  for (const profile of inUse) {
    const proof = registry.proof(profile)
    if (!proof.ok && !config.profilesUnproven.includes(profile)) throw proof.error
  }
  return config.terminals.map(terminal => {
    const dialect = registry.speechOf(terminal)
    if (!dialect.ok) throw dialect.error
    if (terminal.firmware !== undefined) return { terminal, dialect: dialect.value }
    const identify = identifier({ terminal, registry })
    return { terminal, dialect: dialect.value, identify }
  })
}

/** Its firmware is looked up in the table: a changed one may mean another dialect. */
function identifier(options: {
  readonly terminal: ShopConfig['terminals'][number]
  readonly registry: ProfileRegistry
}): (line: Overheard) => Promise<Identity> {
  const { terminal, registry } = options
  const { profile } = terminal
  const { line: config } = terminal
  const usb = async () => (config.type === 'serial' ? usbDeviceOf(config.path) : undefined)
  return async line => {
    const found = await findFirmware({ methods: registry.identifyOf(profile), line, usb })
    const speech = registry.speechOf(
      found === undefined ? { profile } : { profile, firmware: found.firmware },
    )
    if (!speech.ok) throw speech.error
    return { dialect: speech.value, ...(found === undefined ? {} : { found }) }
  }
}
