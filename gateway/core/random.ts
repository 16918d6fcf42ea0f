import { randomBytes, randomFillSync } from 'node:crypto'

/** Randomness as the rooms see it: injected, so that a simulation repeats itself from its seed. */
export interface Random {
  bytes(count: number): Uint8Array
  /** Uniform in [0, 1). */
  unit(): number
}

/** Drawn in advance: a call to the system costs ten times what ten bytes are worth. */
const pool = { bytes: Buffer.alloc(4096), used: 4096 }

export const systemRandom: Random = {
  bytes: count => {
    if (count > pool.bytes.length / 16) return randomBytes(count)
    if (pool.used + count > pool.bytes.length) {
      randomFillSync(pool.bytes)
      pool.used = 0
    }
    pool.used += count
    return Uint8Array.from(pool.bytes.subarray(pool.used - count, pool.used))
  },
  unit: () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48,
}

/** SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): small, well mixed, the same from the same seed. */
export function seededRandom(seed: number): Random {
  const mask = (1n << 64n) - 1n
  let state = BigInt(seed) & mask
  const next = (): bigint => {
    state = (state + 0x9e3779b97f4a7c15n) & mask
    let mixed = state
    mixed = ((mixed ^ (mixed >> 30n)) * 0xbf58476d1ce4e5b9n) & mask
    mixed = ((mixed ^ (mixed >> 27n)) * 0x94d049bb133111ebn) & mask
    return mixed ^ (mixed >> 31n)
  }
  return {
    bytes: count => Uint8Array.from({ length: count }, () => Number(next() >> 56n)),
    unit: () => Number(next() >> 11n) / 2 ** 53,
  }
}
