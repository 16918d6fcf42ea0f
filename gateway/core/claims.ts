import { equalBytes, fromHex, toHex } from './bytes.js'
import type { Database, Operation } from './database.js'

/** Says that `key` stands for the content with this SHA-256 (hex). Keys have one fixed length. */
export interface Claim {
  readonly key: Uint8Array
  readonly digest: string
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

/**
 * Dedupe memory over a database. The first content of a key stands under the key itself; contents
 * that contradict it under key ‖ digest, so that a flood of them makes no value grow.
 */
export class Claims {
  readonly #firstDigests = new Map<string, string>()
  readonly #others = new Set<string>()
  readonly #operations: Operation[] = []

  /** What the database knows of these claims; claims held later are known at once. */
  static async load(database: Database, claims: readonly Claim[]): Promise<Claims> {
    const loaded = new Claims()
    const keys = claims.flatMap(claim => [claim.key, otherKey(claim)])
    const values = await database.getMany(keys)
    for (const [index, claim] of claims.entries()) {
      const first = values[index * 2]
      if (first !== undefined)
        loaded.#firstDigests.set(toHex(claim.key), toHex(first.subarray(0, DIGEST_BYTES)))
      if (values[index * 2 + 1] !== undefined) loaded.#others.add(toHex(otherKey(claim)))
    }
    return loaded
  }

  judge(claim: Claim): Judgement {
    const firstDigest = this.#firstDigests.get(toHex(claim.key))
    if (firstDigest === claim.digest || this.#others.has(toHex(otherKey(claim))))
      return { type: 'duplicate' }
    return firstDigest === undefined ? { type: 'new' } : { type: 'conflict', firstDigest }
  }

  /** Remembers a claim that was not judged a duplicate. */
  hold(claim: HeldClaim): void {
    const key = toHex(claim.key)
    if (this.#firstDigests.has(key)) {
      this.#others.add(toHex(otherKey(claim)))
      this.#operations.push({ type: 'put', key: otherKey(claim), value: claim.place })
    } else {
      this.#firstDigests.set(key, claim.digest)
      const value = Buffer.concat([fromHex(claim.digest), claim.place])
      this.#operations.push({ type: 'put', key: claim.key, value })
    }
  }

  /** What makes the held claims durable, for the batch that writes their contents. */
  get operations(): readonly Operation[] {
    return this.#operations
  }
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
