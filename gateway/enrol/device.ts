import { mkdir, readFile, rm } from 'node:fs/promises'
import { writeDurably } from '../core/durable-file.js'
import type { DeviceId } from '../core/ids.js'
import { newTlsKey, type TlsKey, tlsKeyOf } from '../security/client-certificate.js'
import { signJws } from '../security/jws.js'
import type { SigningKey } from '../security/signature.js'
import { deviceOf, possessionText } from '../wire/enrol.js'
import { identityPaths } from './identity.js'

/** A gateway by the keys that it made itself. */
export interface Device {
  readonly id: DeviceId
  readonly publicKey: string
  /** What it says, signed. */
  sign(statement: object): string
  /** What it says of a key for TLS, to show that it has it. */
  claim(key: TlsKey): { readonly tlsKey: string; readonly tlsProof: string }
}

/** By the store's key, which it has before it is a store's. */
export function deviceWith(key: SigningKey): Device {
  const id = deviceOf(key.publicKey)
  return {
    id,
    publicKey: key.publicKey,
    sign: statement => signJws(JSON.stringify(statement), key),
    claim: ({ publicKey: tlsKey, prove }) => ({
      tlsKey,
      tlsProof: prove(possessionText(id, tlsKey)),
    }),
  }
}

/** The key that a certificate is asked for; it stands on the disk before anybody hears of it. */
export async function openNextKey(dataDir: string): Promise<TlsKey> {
  const { folder, nextKey } = identityPaths(dataDir)
  try {
    return tlsKeyOf(await readFile(nextKey, 'utf8'))
  } catch {
    // There is none, or a damaged one. Who was given a certificate for that asks once more.
    const key = newTlsKey()
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await writeDurably(nextKey, { text: key.pem, mode: 0o600 })
    return key
  }
}

/** It has its certificate, which stands on the disk. */
export async function forgetNextKey(dataDir: string): Promise<void> {
  await rm(identityPaths(dataDir).nextKey, { force: true })
}
