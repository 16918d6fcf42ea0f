import type { ShopConfig } from '../config/schema.js'
import { TillbridgeError } from '../core/errors.js'
import type { Dialect } from '../profile/dialect.js'
import { loadRegistry, type ProfileRegistry } from '../profile/registry.js'

/** A terminal of the configuration, and how it speaks. */
export interface Spoken {
  readonly terminal: ShopConfig['terminals'][number]
  readonly dialect: Dialect
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
    const dialect = registry.dialectOf(terminal)
    if (!dialect.ok) throw dialect.error
    return { terminal, dialect: dialect.value }
  })
}
