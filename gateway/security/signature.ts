import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { fromHex } from '../core/bytes.js'

/** What RFC 8410 puts before the 32 bytes of an Ed25519 key: in SPKI, and in PKCS #8. */
const SPKI_PREFIX = '302a300506032b6570032100'
const PKCS8_PREFIX = '302e020100300506032b657004220420'

/** 32 bytes of an Ed25519 public key as 64 lower-case hexadecimal digits. */
export type PublicKey = string

/** A key that signs. Its secret leaves it by `toPem` alone. */
export interface SigningKey {
  readonly publicKey: PublicKey
  /** The signature (RFC 8032, Ed25519) of a text in UTF-8: 64 bytes, hexadecimal. */
  sign(text: string): string
  /** PKCS #8 PEM: the secret itself. */
  toPem(): string
}

/** The key of 32 random bytes. @throws RangeError where they are not 32. */
export function signingKeyOf(seed: Uint8Array): SigningKey {
  if (seed.length !== 32) throw new RangeError(`a seed of ${seed.length} bytes`)
  const key = Buffer.concat([fromHex(PKCS8_PREFIX), seed])
  return wrap(createPrivateKey({ key, format: 'der', type: 'pkcs8' }))
}

/** The key of a PKCS #8 PEM. @throws Error where it is none, or not one of Ed25519. */
export function signingKeyFromPem(pem: string): SigningKey {
  return wrap(createPrivateKey(pem))
}

/** SPKI PEM, as `openssl pkey -pubin` reads it. */
export function publicKeyToPem(publicKey: PublicKey): string {
  return openPublicKey(publicKey).export({ format: 'pem', type: 'spki' }).toString()
}

/** @throws Error where the PEM holds no public key of Ed25519. */
export function publicKeyFromPem(pem: string): PublicKey {
  // A private key's PEM would do, too, and must not lie about where evidence is checked.
  if (pem.includes('PRIVATE KEY')) throw new Error('it holds a private key')
  return rawPublicKey(createPublicKey(pem))
}

/** Whether the holder of the key signed this text; false, too, for what is no key or signature. */
export function isSignedBy(options: {
  readonly publicKey: PublicKey
  readonly text: string
  readonly signature: string
}): boolean {
  const { publicKey, text, signature } = options
  if (!/^[0-9a-f]{64}$/.test(publicKey) || !/^[0-9a-f]{128}$/.test(signature)) return false
  return verify(null, Buffer.from(text), openPublicKey(publicKey), fromHex(signature))
}

function wrap(secret: KeyObject): SigningKey {
  return {
    publicKey: rawPublicKey(createPublicKey(secret)),
    sign: text => sign(null, Buffer.from(text), secret).toString('hex'),
    toPem: () => secret.export({ format: 'pem', type: 'pkcs8' }).toString(),
  }
}

function openPublicKey(publicKey: PublicKey): KeyObject {
  const key = Buffer.from(SPKI_PREFIX + publicKey, 'hex')
  return createPublicKey({ key, format: 'der', type: 'spki' })
}

function rawPublicKey(key: KeyObject): PublicKey {
  if (key.asymmetricKeyType !== 'ed25519')
    throw new Error(`a key of ${key.asymmetricKeyType ?? 'another kind'}, not of Ed25519`)
  const hex = key.export({ format: 'der', type: 'spki' }).toString('hex')
  return hex.slice(SPKI_PREFIX.length)
}
