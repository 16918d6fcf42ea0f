import type { Result } from '../core/result.js'
import { ok } from '../core/result.js'
import { type JwsRefusal, verifyJws } from '../security/jws.js'
import type { PublicKey } from '../security/signature.js'

/** What takes two to command. */
export interface TwoPerson {
  /** Whose signature counts as the second, and as nothing else. */
  readonly keys: readonly PublicKey[]
  readonly verbs: readonly string[]
}

/** What HQ signed, and whether a second person did: he signs what the first one did. */
export function verifySeconded(
  jws: string,
  by: { readonly keys: readonly PublicKey[]; readonly twoPerson?: TwoPerson | undefined },
): Result<{ readonly payload: Uint8Array; readonly isSeconded: boolean }, JwsRefusal> {
  const seconded = verifyJws(jws, by.twoPerson?.keys ?? [])
  const first = seconded.ok ? Buffer.from(seconded.value).toString('latin1') : jws
  const verified = verifyJws(first, by.keys)
  return verified.ok ? ok({ payload: verified.value, isSeconded: seconded.ok }) : verified
}
