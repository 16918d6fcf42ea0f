import { createHmac, scrypt, timingSafeEqual } from 'node:crypto'
import type { Random } from '../core/random.js'
import { SerialQueue } from '../core/serial-queue.js'

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

/**
 * Verifies passwords that machines send again at each connect: the one that was right is known from
 * then on by a keyed digest in memory. Without that, five hundred shops that come back together
 * would stand in line for so long that each gives up and comes again.
 */
export class PasswordMemory {
  readonly #key: Uint8Array
  readonly #proven = new Map<string, Uint8Array>()

  constructor(options: { readonly random: Random }) {
    this.#key = options.random.bytes(32)
  }

  async verify(password: string, stored: string): Promise<boolean> {
    const digest = createHmac('sha256', this.#key).update(password).digest()
    const proven = this.#proven.get(stored)
    if (proven !== undefined && timingSafeEqual(digest, proven)) return true
    const isRight = await verifyPassword(password, stored)
    if (isRight) this.#proven.set(stored, digest)
    return isRight
  }
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

/** Of the whole process: two hashes at once would take twice the memory. */
const queue = new SerialQueue()

function oneAtATime(options: {
  readonly password: string
  readonly salt: Buffer
  readonly bytes: number
  readonly cost: Cost
}): Promise<Buffer> {
  const { password, salt, bytes, cost } = options
  // Node's default limit is below what the algorithm needs: 128·N·r bytes and a little more.
  const parameters = { ...cost, maxmem: 256 * cost.N * cost.r }
  return queue.run(
    () =>
      new Promise((resolve, reject) =>
        scrypt(password.normalize('NFC'), salt, bytes, parameters, (error, key) =>
          error === null ? resolve(key) : reject(error),
        ),
      ),
  )
}
