import type { FileHandle } from 'node:fs/promises'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { Clock } from '../../core/clock.js'
import { writeDurably } from '../../core/durable-file.js'
import { messageOf, systemCodeOf, TillbridgeError } from '../../core/errors.js'
import { lockFile } from '../../core/file-lock.js'
import { storeIdSchema } from '../../core/id-schema.js'
import type { StoreId } from '../../core/ids.js'
import { LIMITS } from '../../core/limits.js'
import type { Random } from '../../core/random.js'
import { decodeJson } from '../../core/schema.js'
import { type CertificateAuthority, openAuthority } from '../../security/certificate-authority.js'
import { type CertificateNote, codeProof, type EnrolRequest } from '../../wire/enrol.js'
import {
  certificateFor,
  countingCertificates,
  currentGateway,
  newEntry,
  type StoreEntry,
  storeEntry,
  withCertificate,
  withGateway,
  withoutGateway,
} from './store-entry.js'

/** What brokers may see of the folder. */
const PUBLIC = 'public'
/** Nobody may have to act on it soon: a broker that finds its list too old takes nobody. */
const REVOCATIONS_VALID_MS = 20 * 365 * 24 * 3600 * 1000
/** A clock that is behind HQ's finds a new certificate valid all the same. */
const BACKDATED_MS = 3600 * 1000
const CODE_VALID_MS = 30 * 24 * 3600 * 1000
/** Without those that are taken for one another when they are read out. */
const CODE_LETTERS = '23456789ABCDEFGHJKLMNPQRSTUVWXYZ'
const LOCK_LOOK_MS = 50

const activationCodes = z.array(
  z.strictObject({ code: z.string(), store: storeIdSchema, until: z.string() }),
)

type ActivationCode = z.infer<typeof activationCodes>[number]

/**
 * Which gateway speaks as which store, and the authority that says so to brokers: a folder that
 * whoever may enrol stores has. Several processes may work on it.
 */
export class StoreRegister {
  readonly #folder: string
  readonly #authority: CertificateAuthority
  readonly #validMs: number
  readonly #clock: Clock
  readonly #random: Random

  private constructor(options: RegisterOptions & { readonly authority: CertificateAuthority }) {
    this.#folder = options.folder
    this.#authority = options.authority
    this.#validMs = options.validMs
    this.#clock = options.clock
    this.#random = options.random
  }

  /** @throws TillbridgeError TB_ENROL_AUTHORITY */
  static async open(options: RegisterOptions): Promise<StoreRegister> {
    const { folder, random } = options
    try {
      const [certificate, key] = await Promise.all([
        readFile(join(folder, PUBLIC, 'authority.pem'), 'utf8'),
        readFile(join(folder, 'authority.key'), 'utf8'),
      ])
      const authority = openAuthority({ certificate, key, random })
      await mkdir(join(folder, 'stores'), { recursive: true, mode: 0o700 })
      return new StoreRegister({ ...options, authority })
    } catch (thrown) {
      throw new TillbridgeError('TB_ENROL_AUTHORITY', `${folder}: ${messageOf(thrown)}`)
    }
  }

  /** PEM of who issues. */
  get certificate(): string {
    return this.#authority.certificate
  }

  /** Where brokers read what is revoked. */
  get revocations(): string {
    return join(this.#folder, PUBLIC, 'crl.pem')
  }

  async stores(): Promise<readonly StoreEntry[]> {
    const names = (await readdir(join(this.#folder, 'stores'))).filter(name =>
      name.endsWith('.json'),
    )
    const stores = names.sort().map(name => storeIdSchema.parse(name.slice(0, -'.json'.length)))
    return Promise.all(stores.map(store => this.find(store)))
  }

  /** One without gateways where HQ never enrolled it. @throws TillbridgeError TB_ENROL_AUTHORITY */
  async find(store: StoreId): Promise<StoreEntry> {
    const bytes = await readIfThere(this.#entryPath(store))
    if (bytes === undefined) return newEntry(store)
    const entry = decodeJson(storeEntry, bytes)
    if (entry.ok) return entry.value
    throw new TillbridgeError('TB_ENROL_AUTHORITY', `${this.#entryPath(store)}: ${entry.error}`)
  }

  /** The gateway speaks as the store from now on: its certificate, durable before anyone has it. */
  approve(request: EnrolRequest, store: StoreId): Promise<string> {
    return this.#alone(async () => {
      const before = await this.find(store)
      const entry = withGateway(before, request, this.#now())
      const isReplaced = entry !== before && before.certificates.length > 0
      const certificate = await this.#certify(entry, request)
      if (isReplaced) await this.#writeRevocations()
      return certificate
    })
  }

  /** The list for brokers, from what stands here: a crash may have come between the two. */
  publishRevocations(): Promise<void> {
    return this.#alone(() => this.#writeRevocations())
  }

  /**
   * A certificate for another key of the store's gateway; nothing where it asked for none, or is
   * not that. @throws TillbridgeError TB_ENROL_AUTHORITY where it has too many
   */
  renew(note: CertificateNote): Promise<string | undefined> {
    return this.#alone(async () => {
      const { store, device, renewal } = note
      const entry = await this.find(store)
      if (renewal === undefined || currentGateway(entry)?.device !== device) return undefined
      const nowMs = this.#clock.wallMs()
      if (countingCertificates(entry, nowMs) >= LIMITS.certificatesAtOnce)
        throw new TillbridgeError(
          'TB_ENROL_AUTHORITY',
          `${store} has ${LIMITS.certificatesAtOnce} certificates that count: it gets no more; ` +
            'if nobody set up its gateway again and again, retire it and approve another',
        )
      return this.#certify(entry, { device, ...renewal })
    })
  }

  /** Brokers take no gateway for this store any more, once they have read `revocations`. */
  retire(store: StoreId): Promise<StoreEntry> {
    return this.#alone(async () => {
      const entry = withoutGateway(await this.find(store), { at: this.#now(), why: 'retired' })
      await this.#write(entry)
      await this.#writeRevocations()
      return entry
    })
  }

  /** For the technician who sets up a store's gateway; of no use after a month. */
  newCode(store: StoreId): Promise<ActivationCode> {
    return this.#alone(async () => {
      const letters = [...this.#random.bytes(12)].map(byte => CODE_LETTERS[byte % 32])
      const code = letters.join('').replace(/(.{4})(?=.)/g, '$1-')
      const until = new Date(this.#clock.wallMs() + CODE_VALID_MS).toISOString()
      const others = (await this.#codes()).filter(other => other.store !== store)
      const text = JSON.stringify([...others, { code, store, until }])
      await writeDurably(join(this.#folder, 'codes.json'), { text, mode: 0o600 })
      return { code, store, until }
    })
  }

  /** The store whose code the gateway was told. */
  async storeOfCode({ device, code: proof }: EnrolRequest): Promise<StoreId | undefined> {
    const codes = await this.#codes()
    return codes.find(({ code }) => codeProof(device, code) === proof)?.store
  }

  async #codes(): Promise<readonly ActivationCode[]> {
    const bytes = await readIfThere(join(this.#folder, 'codes.json'))
    const codes = bytes === undefined ? undefined : decodeJson(activationCodes, bytes)
    const nowMs = this.#clock.wallMs()
    return codes?.ok ? codes.value.filter(({ until }) => Date.parse(until) > nowMs) : []
  }

  /** What it got for this key before, where that counts still for half of its life. */
  async #certify(
    entry: StoreEntry,
    claim: Pick<EnrolRequest, 'device' | 'tlsKey'>,
  ): Promise<string> {
    const nowMs = this.#clock.wallMs()
    const known = certificateFor(entry, claim)
    if (known !== undefined && Date.parse(known.validTo) - nowMs > this.#validMs / 2) {
      await this.#write(entry)
      return known.pem
    }
    const certificate = this.#authority.issue({
      name: entry.store,
      publicKey: Buffer.from(claim.tlsKey, 'base64url'),
      validFromMs: nowMs - BACKDATED_MS,
      validToMs: nowMs + this.#validMs,
    })
    await this.#write(withCertificate(entry, { certificate, claim, nowMs }))
    return certificate.pem
  }

  async #writeRevocations(): Promise<void> {
    const atMs = this.#clock.wallMs()
    const entries = await this.stores()
    const revoked = entries.flatMap(({ certificates }) =>
      certificates.flatMap(({ serial, revoked }) =>
        revoked === undefined ? [] : [{ serial, revokedMs: Date.parse(revoked) }],
      ),
    )
    const text = this.#authority.revocationList({
      ...{ revoked, atMs },
      untilMs: atMs + REVOCATIONS_VALID_MS,
    })
    await writeDurably(this.revocations, { text, mode: 0o644 })
  }

  async #write(entry: StoreEntry): Promise<void> {
    const text = `${JSON.stringify(entry, undefined, 2)}\n`
    await writeDurably(this.#entryPath(entry.store), { text, mode: 0o600 })
  }

  /** One process changes it at a time. @throws TillbridgeError TB_ENROL_AUTHORITY */
  async #alone<Value>(work: () => Promise<Value>): Promise<Value> {
    const lock = await this.#lock()
    try {
      return await work()
    } finally {
      await lock.close()
    }
  }

  async #lock(): Promise<FileHandle> {
    const path = join(this.#folder, 'lock')
    const untilMs = this.#clock.monotonicMs() + LIMITS.registerLockMs
    for (;;) {
      const lock = await lockFile(path)
      if (lock !== undefined) return lock
      if (this.#clock.monotonicMs() > untilMs)
        throw new TillbridgeError('TB_ENROL_AUTHORITY', `${path}: another process holds it`)
      await this.#clock.sleep(LOCK_LOOK_MS)
    }
  }

  #entryPath(store: StoreId): string {
    return join(this.#folder, 'stores', `${store}.json`)
  }

  #now(): string {
    return new Date(this.#clock.wallMs()).toISOString()
  }
}

export interface RegisterOptions {
  readonly folder: string
  /** How long a certificate counts. */
  readonly validMs: number
  readonly clock: Clock
  readonly random: Random
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path)
  } catch (thrown) {
    if (systemCodeOf(thrown) === 'ENOENT') return undefined
    throw thrown
  }
}
