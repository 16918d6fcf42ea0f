import type { Clock } from '../../core/clock.js'
import { writeDurably } from '../../core/durable-file.js'
import { messageOf, TillbridgeError } from '../../core/errors.js'
import type { StoreId } from '../../core/ids.js'
import { LIMITS } from '../../core/limits.js'
import type { Random } from '../../core/random.js'
import { fail, ok, type Result } from '../../core/result.js'
import { type CertificateAuthority, openAuthority } from '../../security/certificate-authority.js'
import type { CertificateNote, EnrolRequest } from '../../wire/enrol.js'
import { ActivationCodes } from './activation-codes.js'
import { RegisterFolder } from './register-folder.js'
import { whyNotRenewed } from './renewal-rule.js'
import {
  certificateFor,
  type StoreEntry,
  withCertificate,
  withGateway,
  withoutGateway,
} from './store-entry.js'

type Claim = Pick<EnrolRequest, 'device' | 'tlsKey'>

/**
 * Which gateway speaks as which store, and the authority that says so to brokers: a folder that
 * whoever may enrol stores has. Several processes may work on it.
 */
export class StoreRegister {
  readonly codes: ActivationCodes
  readonly #folder: RegisterFolder
  readonly #authority: CertificateAuthority
  readonly #validMs: number
  readonly #clock: Clock

  private constructor(
    options: Omit<RegisterOptions, 'folder'> & {
      readonly folder: RegisterFolder
      readonly authority: CertificateAuthority
    },
  ) {
    this.codes = new ActivationCodes(options)
    this.#folder = options.folder
    this.#authority = options.authority
    this.#validMs = options.validMs
    this.#clock = options.clock
  }

  /** @throws TillbridgeError TB_ENROL_AUTHORITY */
  static async open(options: RegisterOptions): Promise<StoreRegister> {
    const { folder: path, random, clock } = options
    try {
      const folder = new RegisterFolder({ path, clock })
      const authority = openAuthority({ ...(await folder.open()), random })
      return new StoreRegister({ ...options, folder, authority })
    } catch (thrown) {
      throw new TillbridgeError('TB_ENROL_AUTHORITY', `${path}: ${messageOf(thrown)}`)
    }
  }

  /** PEM of who issues. */
  get certificate(): string {
    return this.#authority.certificate
  }

  /** Where brokers read what is revoked. */
  get revocations(): string {
    return this.#folder.revocations
  }

  /** @throws TillbridgeError TB_ENROL_AUTHORITY */
  stores(): Promise<readonly StoreEntry[]> {
    return this.#folder.entries()
  }

  /** One without gateways where HQ never enrolled it. @throws TillbridgeError TB_ENROL_AUTHORITY */
  find(store: StoreId): Promise<StoreEntry> {
    return this.#folder.entry(store)
  }

  /** The gateway speaks as the store from now on: its certificate, durable before anyone has it. */
  approve(request: EnrolRequest, store: StoreId): Promise<string> {
    return this.#folder.alone(async () => {
      await this.codes.spend(request, store)
      const entry = withGateway(await this.find(store), request, this.#now())
      await this.#folder.write(entry)
      const certificate = this.#issued(entry, request) ?? (await this.#issue(entry, request))
      // As often as it is approved: a crash may have come before the list was written.
      if (entry.certificates.some(({ revoked }) => revoked !== undefined))
        await this.#writeRevocations()
      return certificate
    })
  }

  /** The list for brokers, from what stands here: a crash may have come between the two. */
  publishRevocations(): Promise<void> {
    return this.#folder.alone(() => this.#writeRevocations())
  }

  /** A certificate for another key of the store's gateway, or why not; nothing if it asked not. */
  async renew(note: CertificateNote): Promise<Result<string, string> | undefined> {
    const { store, device, renewal } = note
    if (renewal === undefined) return undefined
    return this.#folder.alone(async () => {
      const entry = await this.find(store)
      const claim = { device, ...renewal }
      const known = this.#issued(entry, claim)
      if (known !== undefined) return ok(known)
      const why = whyNotRenewed(entry, note, this.#clock.wallMs())
      return why === undefined ? ok(await this.#issue(entry, claim)) : fail(why)
    })
  }

  /** Brokers take no gateway for this store any more, once they have read `revocations`. */
  retire(store: StoreId): Promise<StoreEntry> {
    return this.#folder.alone(async () => {
      const entry = withoutGateway(await this.find(store), { at: this.#now(), why: 'retired' })
      await this.#folder.write(entry)
      await this.#writeRevocations()
      return entry
    })
  }

  /** What it got for this key before, where that counts still for half of its life. */
  #issued(entry: StoreEntry, claim: Claim): string | undefined {
    const known = certificateFor(entry, claim)
    if (known === undefined) return undefined
    const leftMs = Date.parse(known.validTo) - this.#clock.wallMs()
    return leftMs > this.#validMs / 2 ? known.pem : undefined
  }

  async #issue(entry: StoreEntry, claim: Claim): Promise<string> {
    const nowMs = this.#clock.wallMs()
    const certificate = this.#authority.issue({
      name: entry.store,
      publicKey: Buffer.from(claim.tlsKey, 'base64url'),
      validFromMs: nowMs - LIMITS.certificateBackdatedMs,
      validToMs: nowMs + this.#validMs,
    })
    await this.#folder.write(withCertificate(entry, { certificate, claim, nowMs }))
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
      untilMs: atMs + LIMITS.revocationsMs,
    })
    await writeDurably(this.revocations, { text, mode: 0o644 })
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
