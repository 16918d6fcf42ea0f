import { createHash } from 'node:crypto'
import { fromHex, toHex } from '../core/bytes.js'
import { fail, ok, type Result } from '../core/result.js'
import { isSignedBy, type PublicKey, type SigningKey } from './signature.js'

/** Why nothing of it is believed. */
export type JwsRefusal = 'malformed' | 'unknown-key' | 'bad-signature'

/** Three parts of base64url without padding: header, payload, a signature of 64 bytes. */
const COMPACT = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]*)\.([A-Za-z0-9_-]{86})$/

/**
 * What HQ says to stores, and a gateway to HQ: a compact JWS (RFC 7515 §7.1) signed with Ed25519
 * (RFC 8037 §3.1). Its header is `{"alg":"EdDSA","kid":"…"}`, byte for byte: there is nothing to
 * choose in it.
 */
export function signJws(payload: Uint8Array | string, key: SigningKey): string {
  const signed = `${headerOf(key.publicKey)}.${base64url(Buffer.from(payload))}`
  return `${signed}.${base64url(fromHex(key.sign(signed)))}`
}

/** The payload that the holder of one of these keys signed. */
export function verifyJws(
  jws: string,
  pinnedKeys: readonly PublicKey[],
): Result<Uint8Array, JwsRefusal> {
  const [, header = '', payload = '', signature = ''] = COMPACT.exec(jws) ?? []
  if (header === '') return fail('malformed')
  const bytes = [header, payload, signature].map(part => Buffer.from(part, 'base64url'))
  // One text alone may stand for these bytes: what was signed is known by it.
  if (bytes.map(base64url).join('.') !== jws) return fail('malformed')
  const publicKey = pinnedKeys.find(key => headerOf(key) === header)
  if (publicKey === undefined) return fail(isHeader(header) ? 'unknown-key' : 'malformed')
  const [, said = Buffer.alloc(0), proof = Buffer.alloc(0)] = bytes
  const text = `${header}.${payload}`
  return isSignedBy({ publicKey, text, signature: toHex(proof) }) ? ok(said) : fail('bad-signature')
}

/** What names a key: the thumbprint of its JWK (RFC 7638, RFC 8037 §2). */
export function keyId(publicKey: PublicKey): string {
  const jwk = `{"crv":"Ed25519","kty":"OKP","x":"${base64url(fromHex(publicKey))}"}`
  return base64url(createHash('sha256').update(jwk).digest())
}

function headerOf(publicKey: PublicKey): string {
  return base64url(Buffer.from(`{"alg":"EdDSA","kid":"${keyId(publicKey)}"}`))
}

/** Whether it would be the header of some key. */
function isHeader(header: string): boolean {
  const text = Buffer.from(header, 'base64url').toString('latin1')
  return /^\{"alg":"EdDSA","kid":"[A-Za-z0-9_-]{43}"\}$/.test(text)
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url')
}
