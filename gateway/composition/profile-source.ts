import { join } from 'node:path'
import type { ShopConfig } from '../config/schema.js'
import { systemClock } from '../core/clock.js'
import { ProfileFolders, type ProfileSource } from '../profile/profile-source.js'
import { BUILT_IN_PROFILES } from '../profile/registry.js'

/** Where those lie that came as a document of HQ. */
export function arrivedProfiles({ dataDir }: ShopConfig): string {
  return join(dataDir, 'profiles')
}

/** The built-in profiles, those of the folders that the configuration names, and HQ's. */
export function profileSource(config: ShopConfig): ProfileSource {
  const folders = [BUILT_IN_PROFILES, ...config.profiles]
  return new ProfileFolders({ folders, arrived: arrivedProfiles(config), clock: systemClock })
}
