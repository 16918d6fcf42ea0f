import { copyFile, mkdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { loadConfig } from '../config/load.js'
import { systemClock } from '../core/clock.js'
import { syncDirectory, writeDurably } from '../core/durable-file.js'
import { messageOf } from '../core/errors.js'
import { fail, ok, type Result } from '../core/result.js'
import { decodeJson } from '../core/schema.js'
import type { DocumentsOptions } from '../downlink/documents.js'
import { ProfileFolders } from '../profile/profile-source.js'
import { BUILT_IN_PROFILES } from '../profile/registry.js'
import type { ProfileReload } from './profile-reload.js'
import { arrivedProfiles } from './profile-source.js'
import type { Shop } from './shop.js'

/** Files of profiles by their places below a folder. */
const profileSet = z.record(
  z.string().regex(/^[a-z0-9-]{1,40}\/[a-z0-9-]{1,40}\.(profile|dialect|cases)\.yaml$/),
  z.string().max(1024 * 1024),
)

/** The documents that the gateway itself works by. */
export function ownDocuments(
  shop: Shop,
  { reload, restart }: { readonly reload: ProfileReload; readonly restart: () => void },
): DocumentsOptions['own'] {
  return {
    configuration: bytes => asFiles(() => takeConfiguration({ shop, restart, bytes })),
    profiles: bytes => asFiles(() => takeProfiles({ shop, reload, bytes })),
  }
}

/** A file that cannot be written is a reason, too. */
async function asFiles(
  work: () => Promise<Result<undefined, string>>,
): Promise<Result<undefined, string>> {
  try {
    return await work()
  } catch (thrown) {
    return fail(messageOf(thrown))
  }
}

/**
 * In the place of the shop's file, for the next start; the one before stays beside it. A shop
 * without terminals sells nothing that a start could interrupt: there it is at once.
 */
async function takeConfiguration(given: {
  readonly shop: Shop
  readonly restart: () => void
  readonly bytes: Uint8Array
}): Promise<Result<undefined, string>> {
  const { shop, restart, bytes } = given
  const { configPlace: place, config, logger } = shop
  if (place === undefined) return fail('the configuration of this shop is no file: change it there')
  const { file, env } = place
  const draft = `${file}.arrived`
  await writeDurably(draft, { text: Buffer.from(bytes).toString('utf8'), mode: 0o600 })
  const loaded = loadConfig({ file: draft, env })
  const fault = loaded.ok ? faultOf(loaded.value, config) : loaded.error[0]
  if (fault !== undefined) {
    await rm(draft, { force: true })
    return fail(fault)
  }
  await copyFile(file, `${file}.before`)
  await rename(draft, file)
  await syncDirectory(dirname(file))
  logger.warn({ file }, 'a new configuration is here, for the next start')
  if (config.terminals.length === 0 && loaded.ok && loaded.value.terminals.length > 0) restart()
  return ok(undefined)
}

/** What would make it another shop, or one that HQ cannot reach any more. */
function faultOf(next: Shop['config'], now: Shop['config']): string | undefined {
  if (next.store !== now.store) return `store: expected ${now.store}, whose configuration it is`
  if (next.dataDir !== now.dataDir) return `dataDir: expected ${now.dataDir}, where the journal is`
  const isPinned = next.hq.keys.some(key => now.hq.keys.includes(key))
  if (!isPinned) return 'hq.keys: expected one of the keys that are pinned now'
  // Who else has to sign is settled in the shop.
  const [before, after] = [now.hq.twoPerson, next.hq.twoPerson].map(part => JSON.stringify(part))
  return before === undefined || before === after
    ? undefined
    : 'hq.twoPerson: expected as it is; it is changed at the shop'
}

/** Tried beside the others first; then every terminal speaks by them. */
async function takeProfiles(given: {
  readonly shop: Shop
  readonly reload: ProfileReload
  readonly bytes: Uint8Array
}): Promise<Result<undefined, string>> {
  const { shop, reload, bytes } = given
  const files = decodeJson(profileSet, bytes)
  if (!files.ok) return files
  const folder = arrivedProfiles(shop.config)
  const draft = `${folder}.arrived`
  await rm(draft, { recursive: true, force: true })
  await mkdir(draft, { recursive: true })
  for (const [name, text] of Object.entries(files.value)) {
    await mkdir(dirname(join(draft, name)), { recursive: true })
    await writeDurably(join(draft, name), { text, mode: 0o644 })
  }
  const folders = [BUILT_IN_PROFILES, ...shop.config.profiles, draft]
  const faults = await reload.faultsOf(new ProfileFolders({ folders, clock: systemClock }))
  const [first] = faults
  if (first !== undefined) {
    await rm(draft, { recursive: true, force: true })
    return fail(first.replaceAll(`${draft}/`, ''))
  }
  await rm(folder, { recursive: true, force: true })
  await rename(draft, folder)
  await syncDirectory(dirname(folder))
  await reload.now()
  return ok(undefined)
}
