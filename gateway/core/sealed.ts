import { createHash } from 'node:crypto'
import { equalBytes } from './bytes.js'

const DIGEST_BYTES = 32

/** A value that shows when it was damaged: LevelDB returns flipped bytes without an error. */
export function seal(value: Uint8Array): Uint8Array {
  return Buffer.concat([sha256(value), value])
}

/** What was sealed, or nothing where a byte of it changed since. */
export function unseal(sealed: Uint8Array): Uint8Array | undefined {
  const value = sealed.subarray(DIGEST_BYTES)
  return equalBytes(sha256(value), sealed.subarray(0, DIGEST_BYTES)) ? value : undefined
}

function sha256(value: Uint8Array): Uint8Array {
  return createHash('sha256').update(value).digest()
}
