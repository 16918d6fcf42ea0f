import { readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { writeDurably } from '../core/durable-file.js'
import { messageOf, systemCodeOf, TillbridgeError } from '../core/errors.js'
import type { Random } from '../core/random.js'
import { fail, ok, type Result } from '../core/result.js'
import { publicKeyToPem, type SigningKey, signingKeyFromPem, signingKeyOf } from './signature.js'

/** In the data directory: the secret (PKCS #8 PEM, mode 0600), and what verifies it (SPKI PEM). */
const SECRET_FILE = 'store-key.pem'
export const PUBLIC_FILE = 'store-key.pub.pem'

/** The key by which a store signs, and whether it was there before. */
export interface StoreKey {
  readonly key: SigningKey
  /** Why it is a new one; absent where it was read from its file. */
  readonly made?: string
}

/**
 * The key of a data directory. Where there is none it is made; one that is damaged is put aside
 * under another name, never removed, and replaced. What this returns stands on the disk.
 * @throws TillbridgeError TB_DATA_FORBIDDEN where this user may not read or write it;
 * TB_JOURNAL_WRITE where the disk refuses.
 */
export async function openStoreKey(dataDir: string, random: Random): Promise<StoreKey> {
  const path = join(dataDir, SECRET_FILE)
  const publicPath = join(dataDir, PUBLIC_FILE)
  try {
    const found = await readKey(path)
    const key = found.ok ? found.value : signingKeyOf(random.bytes(32))
    if (!found.ok) {
      if (found.error.isThere) await rename(path, `${path}.damaged-${suffixOf(key)}`)
      await writeDurably(path, { text: key.toPem(), mode: 0o600 })
    }
    const publicPem = publicKeyToPem(key.publicKey)
    const known = await readFile(publicPath, 'utf8').catch(() => undefined)
    if (known !== publicPem) await writeDurably(publicPath, { text: publicPem, mode: 0o644 })
    return found.ok ? { key } : { key, made: found.error.reason }
  } catch (thrown) {
    const isForbidden = ['EACCES', 'EPERM', 'EROFS'].includes(systemCodeOf(thrown) ?? '')
    const code = isForbidden ? 'TB_DATA_FORBIDDEN' : 'TB_JOURNAL_WRITE'
    throw new TillbridgeError(code, `the store's key, ${path}: ${messageOf(thrown)}`)
  }
}

async function readKey(
  path: string,
): Promise<Result<SigningKey, { readonly isThere: boolean; readonly reason: string }>> {
  let pem: string
  try {
    pem = await readFile(path, 'utf8')
  } catch (thrown) {
    const code = systemCodeOf(thrown)
    if (code === 'ENOENT') return fail({ isThere: false, reason: 'there was none' })
    if (code === 'EACCES' || code === 'EPERM') throw thrown
    return fail({ isThere: true, reason: `its file cannot be read: ${messageOf(thrown)}` })
  }
  try {
    return ok(signingKeyFromPem(pem))
  } catch {
    return fail({ isThere: true, reason: 'its file was damaged' })
  }
}

/** Two damaged ones must not overwrite each other: each is named by the key that replaced it. */
function suffixOf(key: SigningKey): string {
  return key.publicKey.slice(0, 16)
}
