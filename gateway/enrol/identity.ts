import { readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { writeDurably } from '../core/durable-file.js'
import { systemCodeOf } from '../core/errors.js'
import { storeIdSchema } from '../core/id-schema.js'
import { decodeJson } from '../core/schema.js'

/** As which store a gateway speaks, and who issues its certificates. */
const identity = z.strictObject({
  v: z.literal(1),
  store: storeIdSchema,
  /** PEM of the authority's certificate. */
  authority: z.string(),
})

export type Identity = Omit<z.infer<typeof identity>, 'v'>

/** In the data directory: what makes a gateway this store's. */
export function identityPaths(dataDir: string) {
  const folder = join(dataDir, 'identity')
  return {
    folder,
    record: join(folder, 'identity.json'),
    /** Certificate and key in one file, so that both are replaced at once. */
    client: join(folder, 'client.pem'),
    /** A key that there is no certificate for yet. */
    nextKey: join(folder, 'next-key.pem'),
    /** Whom to believe that it is HQ's broker. */
    brokerAuthority: join(folder, 'hq-ca.pem'),
  }
}

/** Nothing where there is none yet, or none that can be read: then HQ is asked anew. */
export function readIdentity(dataDir: string): Identity | undefined {
  const { record, client } = identityPaths(dataDir)
  try {
    readFileSync(client)
    return decodeIdentity(readFileSync(record))
  } catch (thrown) {
    const code = systemCodeOf(thrown)
    if (code === 'ENOENT' || code === 'EIO') return undefined
    throw thrown
  }
}

/** Nothing where it is damaged. */
export function decodeIdentity(bytes: Uint8Array): Identity | undefined {
  const read = decodeJson(identity, bytes)
  if (!read.ok) return undefined
  const { store, authority } = read.value
  return { store, authority }
}

/** A certificate and the key that it is for, PEM both. */
export interface CertifiedKey {
  readonly certificate: string
  readonly key: string
}

/** The record is last: with it there is everything. Durable when this resolves. */
export async function saveIdentity(
  dataDir: string,
  given: CertifiedKey & { readonly identity: Identity },
): Promise<void> {
  const { record } = identityPaths(dataDir)
  await saveCertificate(dataDir, given)
  const text = JSON.stringify({ v: 1, ...given.identity })
  await writeDurably(record, { text, mode: 0o600 })
}

/** In place of the one before. Durable when this resolves. */
export async function saveCertificate(
  dataDir: string,
  { certificate, key }: CertifiedKey,
): Promise<void> {
  const { folder, client } = identityPaths(dataDir)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await writeDurably(client, { text: `${key}${certificate}`, mode: 0o600 })
}
