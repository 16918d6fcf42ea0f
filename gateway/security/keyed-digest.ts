import { createHmac } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Random } from '../core/random.js'

/** HMAC-SHA256, hex: tells the same bytes again, and says nothing of them without its key. */
export type KeyedDigest = (bytes: Uint8Array) => string

const KEY_FILE = 'frame-digest.key'
const KEY_BYTES = 32

/**
 * The digest by which a shop knows frames that it may not keep. Its key is made at random in the
 * data directory (mode 0600). One that can be neither read nor written serves until the next start:
 * all that is lost is that a repeat is recognised.
 */
export async function openKeyedDigest(dataDir: string, random: Random): Promise<KeyedDigest> {
  const path = join(dataDir, KEY_FILE)
  const kept = await readFile(path).catch(() => undefined)
  if (kept?.length === KEY_BYTES) return keyedDigestOf(kept)
  const key = random.bytes(KEY_BYTES)
  await writeFile(path, key, { mode: 0o600 }).catch(() => undefined)
  return keyedDigestOf(key)
}

export function keyedDigestOf(key: Uint8Array): KeyedDigest {
  return bytes => createHmac('sha256', key).update(bytes).digest('hex')
}
