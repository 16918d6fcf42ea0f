import { randomBytes } from 'node:crypto'

/** Randomness as the rooms see it: injected, so that a simulation repeats itself from its seed. */
export interface Random {
  bytes(count: number): Uint8Array
  /** Uniform in [0, 1). */
  unit(): number
}

export const systemRandom: Random = {
  bytes: count => randomBytes(count),
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
