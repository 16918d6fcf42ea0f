import { readFileSync } from 'node:fs'
import { mkdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../core/clock.js'
import { syncDirectory, writeDurably } from '../core/durable-file.js'
import { checkCertificate } from '../security/client-certificate.js'
import { decodeIdentity, identityPaths } from './identity.js'

const NAMES = ['client.pem', 'identity.json'] as const

type Files = Readonly<Record<(typeof NAMES)[number], string>>

/**
 * What makes a gateway a store's stands twice: a card that damages one of the two files shall not
 * keep a shop from selling until HQ has approved it anew. Called at each start, before anybody
 * reads them. Nothing is done where neither is whole; a damaged one is set aside, never deleted.
 */
export async function keepIdentityTwice(
  dataDir: string,
  clock: Clock,
): Promise<'whole' | 'restored' | 'none'> {
  const { folder } = identityPaths(dataDir)
  const second = join(dataDir, 'identity-copy')
  const [files, copy] = [readWhole(folder), readWhole(second)]
  if (files !== undefined) {
    const isSame = NAMES.every(name => files[name] === copy?.[name])
    if (!isSame) await write(second, files)
    return 'whole'
  }
  if (copy === undefined) return 'none'
  for (const name of NAMES)
    await rename(join(folder, name), join(folder, `${name}.damaged-${clock.wallMs()}`)).catch(
      () => undefined, // it is gone altogether
    )
  await write(folder, copy)
  return 'restored'
}

/** The certificate says by its signature that nothing of all this has changed. */
function readWhole(folder: string): Files | undefined {
  try {
    const [pem, record] = NAMES.map(name => readFileSync(join(folder, name), 'utf8'))
    if (pem === undefined || record === undefined) return undefined
    const identity = decodeIdentity(Buffer.from(record))
    if (identity === undefined) return undefined
    const { store: name, authority } = identity
    const checked = checkCertificate({ certificate: pem, key: pem, authority, name })
    return checked.ok ? { 'client.pem': pem, 'identity.json': record } : undefined
  } catch {
    return undefined
  }
}

/** The record is last: with it there is everything. */
async function write(folder: string, files: Files): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  for (const name of NAMES)
    await writeDurably(join(folder, name), { text: files[name], mode: 0o600 })
  await syncDirectory(folder)
}
