import { equalBytes, fromHex, toHex } from './bytes.js'
import type { Database, Operation } from './database.js'

/** Says that `key` stands for the content with this SHA-256 (hex). Keys have one fixed length. */
export interface Claim {
  readonly key: Uint8Array
  readonly digest: string
}

/** A claim that is remembered: the first of its key, or one that contradicts the first. */
export interface KnownClaim extends Claim {
  readonly isFirst: boolean
}

/** A claim and where its content stands: some bytes that tell one place from another. */
export interface HeldClaim extends Claim {
  readonly place: Uint8Array
}

export type Judgement =
  | { readonly type: 'new' }
  | { readonly type: 'duplicate' }
  | { readonly type: 'conflict'; readonly firstDigest: string }

const DIGEST_BYTES = 32

/** Dedupe memory: what is known of some keys, and what was held since. */
export class Claims {
  readonly #firstDigests = new Map<string, string>()
  readonly #others = new Set<string>()

  constructor(known: readonly KnownClaim[]) {
    for (const { key, digest, isFirst } of known)
      if (isFirst) this.#firstDigests.set(toHex(key), digest)
      else this.#others.add(toHex(otherKey({ key, digest })))
  }

  judge(claim: Claim): Judgement {
    const firstDigest = this.#firstDigests.get(toHex(claim.key))
    if (firstDigest === claim.digest) return { type: 'duplicate' }
    if (this.#others.size > 0 && this.#others.has(toHex(otherKey(claim))))
      return { type: 'duplicate' }
    return firstDigest === undefined ? { type: 'new' } : { type: 'conflict', firstDigest }
  }

  /** Remembers a claim that was not judged a duplicate. */
  hold({ key, digest }: Claim): KnownClaim {
    const name = toHex(key)
    const isFirst = !this.#firstDigests.has(name)
    if (isFirst) this.#firstDigests.set(name, digest)
    else this.#others.add(toHex(otherKey({ key, digest })))
    return { key, digest, isFirst }
  }
}

/**
 * What the database remembers of these keys, as far as these claims can tell it. The first content
 * of a key stands under the key itself; contents that contradict it under key ‖ digest, so that a
 * flood of them makes no value grow.
 */
export async function readClaims(
  database: Database,
  claims: readonly Claim[],
): Promise<readonly KnownClaim[]> {
  const values = await database.getMany(claims.flatMap(claim => [claim.key, otherKey(claim)]))
  return claims.flatMap((claim, index): readonly KnownClaim[] => {
    const { key, digest } = claim
    const [first, other] = values.slice(index * 2, index * 2 + 2)
    const firstDigest = first && toHex(first.subarray(0, DIGEST_BYTES))
    return [
      ...(firstDigest === undefined ? [] : [{ key, digest: firstDigest, isFirst: true }]),
      ...(other === undefined ? [] : [{ key, digest, isFirst: false }]),
    ]
  })
}

/** What makes a held claim durable, for the batch that writes its content. */
export function storeClaim(claim: KnownClaim, place: Uint8Array): Operation {
  if (!claim.isFirst) return { type: 'put', key: otherKey(claim), value: place }
  return { type: 'put', key: claim.key, value: Buffer.concat([fromHex(claim.digest), place]) }
}

/** Where the first content of a key stands, as `storeClaim` was told. */
export async function claimPlace(
  database: Database,
  key: Uint8Array,
): Promise<Uint8Array | undefined> {
  return (await database.get(key))?.subarray(DIGEST_BYTES)
}

/** What forgets these claims, where it is still their content and no other that holds the key. */
export async function releaseClaims(
  database: Database,
  claims: readonly HeldClaim[],
): Promise<readonly Operation[]> {
  const values = await database.getMany(claims.flatMap(claim => [claim.key, otherKey(claim)]))
  return claims.flatMap((claim, index): readonly Operation[] => {
    const [first, other] = values.slice(index * 2, index * 2 + 2)
    if (first !== undefined && equalBytes(first.subarray(DIGEST_BYTES), claim.place))
      return [{ type: 'del', key: claim.key }]
    if (other !== undefined && equalBytes(other, claim.place))
      return [{ type: 'del', key: otherKey(claim) }]
    return []
  })
}

function otherKey(claim: Claim): Uint8Array {
  return Buffer.concat([claim.key, fromHex(claim.digest)])
}
