import type { ShopConfig } from '../config/schema.js'
import { systemClock } from '../core/clock.js'
import { ProfileFolders, type ProfileSource } from '../profile/profile-source.js'
import { BUILT_IN_PROFILES } from '../profile/registry.js'

/** The built-in profiles, and those of the folders that the configuration names. */
export function profileSource(config: ShopConfig): ProfileSource {
  const folders = [BUILT_IN_PROFILES, ...config.profiles]
  return new ProfileFolders({ folders, clock: systemClock })
}
