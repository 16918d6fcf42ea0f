import { scrypt, timingSafeEqual } from 'node:crypto'
import type { Random } from '../core/random.js'

interface Cost {
  readonly N: number
  readonly r: number
  readonly p: number
}

/** 32 MiB a hash: what a Pi with 1 GB can spare, three lanes to make up for it (OWASP, scrypt). */
const COST: Cost = { N: 2 ** 15, r: 8, p: 3 }
const HASH_BYTES = 32
const SALT_BYTES = 16

const FORMAT = /^scrypt\$(\d{1,6})\$(\d{1,2})\$(\d{1,2})\$([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+)$/

/** `scrypt$N$r$p$salt$hash`, salt and hash in base64: what a configuration holds for a password. */
export async function hashPassword(password: string, random: Random): Promise<string> {
  const salt = Buffer.from(random.bytes(SALT_BYTES))
  const hash = await oneAtATime({ password, salt, bytes: HASH_BYTES, cost: COST })
  const { N, r, p } = COST
  return `scrypt$${N}$${r}$${p}$${salt.toString('base64')}$${hash.toString('base64')}`
}

/** Whether `hashPassword` could have made it and this machine can afford to check it. */
export function isPasswordHash(text: string): boolean {
  return parseHash(text) !== undefined
}

/** Compares in constant time; false for what is no password hash, too. */
export async function verifyPassword(password: string, stored: string): Promise<boolean> {
  const parsed = parseHash(stored)
  if (parsed === undefined) return false
  const { cost, salt, hash } = parsed
  const computed = await oneAtATime({ password, salt, bytes: hash.length, cost })
  return timingSafeEqual(computed, hash)
}

function parseHash(text: string) {
  const [, N = '', r = '', p = '', salt64 = '', hash64 = ''] = FORMAT.exec(text) ?? []
  const cost: Cost = { N: Number(N), r: Number(r), p: Number(p) }
  const salt = Buffer.from(salt64, 'base64')
  const hash = Buffer.from(hash64, 'base64')
  const isPowerOfTwo = cost.N > 1 && (cost.N & (cost.N - 1)) === 0
  const work = cost.N * cost.r * cost.p
  const isAffordable = work > 0 && work <= 4 * COST.N * COST.r * COST.p
  return isPowerOfTwo && isAffordable && hash.length >= 16 ? { cost, salt, hash } : undefined
}

/** The end of the line of hashes: two at once would take twice the memory. */
let lastInLine: Promise<unknown> = Promise.resolve()

function oneAtATime(options: {
  readonly password: string
  readonly salt: Buffer
  readonly bytes: number
  readonly cost: Cost
}): Promise<Buffer> {
  const { password, salt, bytes, cost } = options
  // Node's default limit is below what the algorithm needs: 128·N·r bytes and a little more.
  const parameters = { ...cost, maxmem: 256 * cost.N * cost.r }
  const compute = (): Promise<Buffer> =>
    new Promise((resolve, reject) =>
      scrypt(password.normalize('NFC'), salt, bytes, parameters, (error, key) =>
        error === null ? resolve(key) : reject(error),
      ),
    )
  const hash = lastInLine.then(compute)
  // The next in line runs whatever became of this one, whose failure its own caller sees.
  lastInLine = hash.catch(() => undefined)
  return hash
}
