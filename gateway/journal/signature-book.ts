import { z } from 'zod'
import type { Database } from '../core/database.js'
import { epochIdSchema } from '../core/id-schema.js'
import { decodeJson } from '../core/schema.js'
import type { PublicKey } from '../security/signature.js'
import { isSignedType, readSignedEvent } from '../security/signed-event.js'
import type { Digest, JournalRecord } from '../wire/record.js'
import { type Place, recordKey, type Slot } from './keys.js'
import { readUnverified } from './stored-record.js'

/** A key that signed something in a journal. */
export interface Signer {
  readonly publicKey: PublicKey
  readonly checkpoints: number
  readonly statements: number
  readonly first: Slot
  readonly last: Slot
}

const checkpoint = z.object({ epoch: z.string(), seq: z.int(), head: z.string() })
const statement = z.object({
  ranges: z.array(z.object({ epoch: epochIdSchema, last: z.int(), head: z.string() })),
})
const keyChange = z.object({ data: z.object({ publicKey: z.string(), previous: z.string() }) })

/** Fed the records of a journal in their order; says which signatures there are, and if right. */
export class SignatureBook {
  readonly #database: Database
  readonly #signers = new Map<PublicKey, Signer>()
  /** Keys that a record of the journal calls replaced. */
  readonly #replaced = new Set<PublicKey>()
  #trusted: PublicKey | undefined
  #signedUpTo: Place | undefined

  /** Without `trusted` the key that signs first is. */
  constructor(options: {
    readonly database: Database
    readonly trusted: PublicKey | undefined
  }) {
    this.#database = options.database
    this.#trusted = options.trusted
  }

  get signers(): readonly Signer[] {
    return [...this.#signers.values()]
  }

  get trusted(): PublicKey | undefined {
    return this.#trusted
  }

  /** The newest record that a checkpoint of the trusted key covers. */
  get signedUpTo(): Place | undefined {
    return this.#signedUpTo
  }

  /** `previous`: chain hash of the record before. Returns what is wrong with it, if anything is. */
  async take(options: {
    readonly slot: Slot
    readonly record: JournalRecord
    readonly previous: Digest | undefined
  }): Promise<string | undefined> {
    const { slot, record, previous } = options
    const { header, body } = record
    if (body.type !== 'event') return undefined
    if (header.type === 'journal.key-changed') {
      const change = decodeJson(keyChange, body.bytes)
      if (change.ok) this.#replaced.add(change.value.data.previous)
    }
    if (!isSignedType(header.type)) return undefined
    const signed = readSignedEvent(body.bytes)
    if (!signed.ok) return signed.error
    const { publicKey, data } = signed.value
    this.#note(publicKey, { slot, isCheckpoint: header.type === 'journal.checkpoint' })
    if (header.type === 'journal.statement') return this.#judgeStatement(data)
    const covered = { epoch: header.epoch, seq: header.seq - 1, head: previous }
    const stated = checkpoint.safeParse(data)
    const { epoch, seq, head } = stated.data ?? {}
    if (epoch !== covered.epoch || seq !== covered.seq || head !== covered.head)
      return 'it signs something else than the record before it'
    if (publicKey === this.#trusted) this.#signedUpTo = covered
    return undefined
  }

  /**
   * Keys that cannot be explained: of another key than the trusted one there must be a record that
   * it was replaced, and a checkpoint of the trusted one behind all that it signed.
   */
  get strangers(): readonly Signer[] {
    const trusted = this.#signers.get(this.#trusted ?? '')
    return this.signers.filter(({ publicKey, last }) => {
      if (publicKey === this.#trusted) return false
      const isCovered = trusted !== undefined && isBefore(last, trusted.last)
      return !isCovered || !this.#replaced.has(publicKey)
    })
  }

  #note(publicKey: PublicKey, seen: { readonly slot: Slot; readonly isCheckpoint: boolean }): void {
    const { slot, isCheckpoint } = seen
    this.#trusted ??= publicKey
    const known = this.#signers.get(publicKey)
    this.#signers.set(publicKey, {
      publicKey,
      checkpoints: (known?.checkpoints ?? 0) + (isCheckpoint ? 1 : 0),
      statements: (known?.statements ?? 0) + (isCheckpoint ? 0 : 1),
      first: known?.first ?? slot,
      last: slot,
    })
  }

  /** Of records that are still kept, each range must end with the hash that stands there. */
  async #judgeStatement(data: unknown): Promise<string | undefined> {
    const stated = statement.safeParse(data)
    if (!stated.success) return 'it is no statement'
    for (const { epoch, last, head } of stated.data.ranges) {
      const value = await this.#database.get(recordKey({ epoch, seq: last }))
      const held = value && readUnverified(value)
      if (held !== undefined && held.record.hash !== head)
        return `it states another record ${last} of epoch ${epoch} than stands there`
    }
    return undefined
  }
}

function isBefore(one: Slot, other: Slot): boolean {
  return one.ordinal < other.ordinal || (one.ordinal === other.ordinal && one.seq < other.seq)
}
