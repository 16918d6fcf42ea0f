import { z } from 'zod'
import type { Database } from '../core/database.js'
import { messageOf } from '../core/errors.js'
import { type EpochId, epochOrdinal } from '../core/ids.js'
import { decodeJson } from '../core/schema.js'
import type { PublicKey } from '../security/signature.js'
import { chainHash, type Digest, GENESIS, type JournalRecord } from '../wire/record.js'
import { type EpochState, loadEpochs } from './epoch-state.js'
import { gapAt } from './gap.js'
import type { Place, Slot } from './keys.js'
import { type NamedLoss, readNamedLosses } from './named-loss.js'
import { type Scanned, scanRecords } from './record-scan.js'
import { SignatureBook, type Signer } from './signature-book.js'

export interface Fault {
  readonly slot: Slot
  readonly text: string
}

/** An epoch as far as it is there. */
export interface VerifiedEpoch {
  readonly epoch: EpochId
  readonly first: number
  readonly last: number
  /** Chain hash of `last`. */
  readonly head: Digest
}

/** What a journal turned out to hold. */
export interface Verdict {
  readonly epochs: readonly VerifiedEpoch[]
  readonly records: number
  /** Records of which only the digest is left; their class allows it. */
  readonly evicted: number
  /** All that is wrong, and the first of it in words, in the order of the journal. */
  readonly faultsTotal: number
  readonly faults: readonly Fault[]
  /** What is gone, and named in the journal under as much of a signature as there is: no fault. */
  readonly losses: readonly NamedLoss[]
  readonly signers: readonly Signer[]
  readonly trusted: PublicKey | undefined
  /** The newest record under a checkpoint of the trusted key, and how many come after it. */
  readonly signedUpTo: Place | undefined
  readonly unsigned: number
}

/** Faults told in words; the rest is counted. */
const TOLD_FAULTS = 20

/**
 * Recomputes the chain over all that a journal holds and verifies every signature, in constant
 * memory. Trusted is `publicKey`, or the key that signs first where none is given.
 */
export async function verifyJournal(options: {
  readonly database: Database
  readonly publicKey: PublicKey | undefined
  readonly signal: AbortSignal
}): Promise<Verdict> {
  const { database, publicKey, signal } = options
  const verification = new Verification({ database, trusted: publicKey })
  const from = await verification.begin()
  for await (const scanned of scanRecords({ database, ...(from === undefined ? {} : { from }) })) {
    if (signal.aborted) break
    await verification.take(scanned)
  }
  return verification.end()
}

/** Loose, so that a newer gateway may say more. */
const typed = z.object({ type: z.string() })
const started = z.object({
  data: z.object({
    previous: z.object({ epoch: z.string(), last: z.int(), head: z.string() }).optional(),
  }),
})

interface Reached {
  readonly epoch: EpochId
  readonly last: number
  readonly head: Digest | undefined
}

class Verification {
  readonly #database: Database
  readonly #book: SignatureBook
  readonly #epochs: VerifiedEpoch[] = []
  #states: readonly EpochState[] = []
  #losses: readonly NamedLoss[] = []
  /** How many of them the walk has come past. */
  #passed = 0
  /** How far the walk has come, lost records included; where those end the hash may be unknown. */
  #reached: Reached | undefined
  readonly #ends = new Map<EpochId, number>()
  #faults: readonly Fault[] = []
  #faultsTotal = 0
  /** Places since the last good record that were told to be bad. */
  #skipped = 0
  #records = 0
  #evicted = 0
  #unsigned = 0

  constructor(options: {
    readonly database: Database
    readonly trusted: PublicKey | undefined
  }) {
    this.#database = options.database
    this.#book = new SignatureBook(options)
  }

  /** Where the records begin, where that is known. */
  async begin(): Promise<Slot | undefined> {
    this.#states = await loadEpochs(this.#database).catch(thrown => {
      this.#fault({ ordinal: 0, seq: 0 }, messageOf(thrown))
      return []
    })
    this.#losses = await readNamedLosses(this.#database, this.#states)
    const [oldest] = this.#states
    return oldest && { ordinal: epochOrdinal(oldest.epoch), seq: oldest.first }
  }

  async take(scanned: Scanned): Promise<void> {
    const { slot } = scanned
    if (this.#losses.some(loss => isIn(loss, slot))) return
    this.#pass(slot)
    if (scanned.type === 'unreadable') return this.#skip(slot, scanned.reason)
    const { record } = scanned
    const { epoch, seq } = record.header
    if (epochOrdinal(epoch) !== slot.ordinal || seq !== slot.seq)
      return this.#skip(slot, `record ${seq} of epoch ${epoch} stands in its place`)
    const linked = this.#link(slot, epoch)
    const previous = linked ?? scanned.previous
    if (previous === undefined) this.#fault(slot, 'nothing tells the hash of the record before it')
    else if (scanned.previous !== undefined && scanned.previous !== previous)
      this.#fault(slot, 'it does not continue the record before it')
    else if (chainHash(previous, record) !== record.hash)
      this.#fault(slot, 'its hash does not follow from the record before it and what it holds')
    const wrong = wrongWith(record) ?? (seq === 1 ? this.#wrongStart(record) : undefined)
    if (wrong !== undefined) this.#fault(slot, wrong)
    this.#count(record)
    const misSigned = await this.#book.take({ slot, record, previous })
    if (misSigned !== undefined) this.#fault(slot, misSigned)
    const { signedUpTo } = this.#book
    if (signedUpTo?.epoch === epoch && signedUpTo.seq === seq - 1) this.#unsigned = 1
  }

  end(): Verdict {
    this.#pass({ ordinal: Number.POSITIVE_INFINITY, seq: 0 })
    for (const loss of this.#losses) this.#judgeLoss(loss)
    for (const state of this.#states) this.#judgeEnd(state)
    for (const { publicKey, first } of this.#book.strangers)
      this.#fault(first, `it is signed with a key that is not trusted: ${publicKey}`)
    return {
      epochs: this.#epochs,
      records: this.#records,
      evicted: this.#evicted,
      faultsTotal: this.#faultsTotal,
      faults: this.#faults,
      losses: this.#losses,
      signers: this.#book.signers,
      trusted: this.#book.trusted,
      signedUpTo: this.#book.signedUpTo,
      unsigned: this.#unsigned,
    }
  }

  #skip(slot: Slot, text: string): void {
    this.#fault(slot, text)
    this.#skipped += 1
  }

  /** Lost records before this place are as if they stood there. */
  #pass(slot: Slot): void {
    for (const loss of this.#losses.slice(this.#passed)) {
      const { epoch, first, last, head } = loss
      const begin = { ordinal: epochOrdinal(epoch), seq: first }
      if (!isBefore(begin, slot)) return
      const state = this.#states.find(known => known.epoch === epoch)
      const isSame = this.#reached?.epoch === epoch
      const expected = isSame ? (this.#reached?.last ?? 0) + 1 : (state?.first ?? 1)
      if (first > expected) this.#miss(begin, expected)
      this.#skipped = 0
      this.#reach({ epoch, last, head })
      this.#passed += 1
    }
  }

  #reach(reached: Reached): void {
    this.#reached = reached
    this.#ends.set(reached.epoch, reached.last)
  }

  /** Whoever removes records may add a name for them, but cannot sign it. */
  #judgeLoss({ epoch, first, named }: NamedLoss): void {
    const { signedUpTo } = this.#book
    if (signedUpTo === undefined || !isBefore(slotOf(signedUpTo), slotOf(named))) return
    const text = `the record ${epochOrdinal(named.epoch)}/${named.seq} names it lost unsigned`
    this.#fault({ ordinal: epochOrdinal(epoch), seq: first }, text)
  }

  /** Chain hash that the record at this place must continue, as far as what came before tells. */
  #link(slot: Slot, epoch: EpochId): Digest | undefined {
    const before = this.#reached
    if (before?.epoch === epoch) {
      const { last, head } = before
      if (slot.seq === last + 1) return head
      this.#miss(slot, last + 1)
      return undefined
    }
    const state = this.#states.find(known => known.epoch === epoch)
    const first = state?.first ?? 1
    if (slot.seq !== first) this.#miss(slot, first)
    else if (slot.seq === 1 && before !== undefined) return before.head
    else if (slot.seq === 1 && slot.ordinal === 1) return GENESIS
    return slot.seq === first ? state?.previous : undefined
  }

  /** From `first` to before this place there is nothing, or what was skipped. */
  #miss(slot: Slot, first: number): void {
    if (slot.seq - first <= this.#skipped) return
    const state = this.#states.find(({ epoch }) => epochOrdinal(epoch) === slot.ordinal)
    const gap = state && gapAt(state, first)
    const known = gap === undefined ? '' : `; the store knows of that gap: ${gap.cause}`
    this.#fault({ ...slot, seq: first }, missing(first, slot.seq - 1) + known)
  }

  /** The first record of an epoch says how the one before it ended. */
  #wrongStart({ body }: JournalRecord): string | undefined {
    const before = this.#reached
    const first = body.type === 'event' ? decodeJson(started, body.bytes) : undefined
    if (!first?.ok) return 'an epoch does not begin with `gateway.started`'
    const { previous } = first.value.data
    if (before === undefined) return undefined
    const isRight =
      previous?.epoch === before.epoch &&
      previous.last === before.last &&
      (before.head === undefined || previous.head === before.head)
    const named = previous === undefined ? 'none' : `${previous.epoch} up to ${previous.last}`
    return isRight ? undefined : `it continues ${named}, not what stands before it`
  }

  #judgeEnd({ epoch, first, last }: EpochState): void {
    const ordinal = epochOrdinal(epoch)
    const found = this.#ends.get(epoch) ?? first - 1
    // What is known of the newest epoch is not written anew with every record.
    if (found < last) this.#fault({ ordinal, seq: found + 1 }, missing(found + 1, last))
    const isNewest = epoch === this.#states.at(-1)?.epoch
    if (found > last && !isNewest)
      this.#fault({ ordinal, seq: last + 1 }, `the epoch ended at ${last}, but there is more of it`)
  }

  #count({ header, body, hash }: JournalRecord): void {
    const { epoch, seq } = header
    const before = this.#epochs.at(-1)
    const first = before?.epoch === epoch ? before.first : seq
    if (before?.epoch === epoch) this.#epochs.pop()
    this.#epochs.push({ epoch, first, last: seq, head: hash })
    this.#reach({ epoch, last: seq, head: hash })
    this.#skipped = 0
    this.#records += 1
    this.#unsigned += 1
    if (body.type === 'evicted') this.#evicted += 1
  }

  #fault(slot: Slot, text: string): void {
    this.#faultsTotal += 1
    const inOrder = [...this.#faults, { slot, text }].sort(
      (one, other) => one.slot.ordinal - other.slot.ordinal || one.slot.seq - other.slot.seq,
    )
    this.#faults = inOrder.slice(0, TOLD_FAULTS)
  }
}

function wrongWith({ header, body }: JournalRecord): string | undefined {
  if (body.type === 'evicted')
    return header.class === 'ledger'
      ? 'its event is gone, and its class is never evicted'
      : undefined
  const event = decodeJson(typed, body.bytes)
  if (!event.ok) return `it holds no event: ${event.error}`
  return event.value.type === header.type ? undefined : `it holds an event ${event.value.type}`
}

function missing(first: number, last: number): string {
  return first === last ? 'it is missing' : `records ${first} to ${last} are missing`
}

function slotOf({ epoch, seq }: Place): Slot {
  return { ordinal: epochOrdinal(epoch), seq }
}

function isIn({ epoch, first, last }: NamedLoss, { ordinal, seq }: Slot): boolean {
  return epochOrdinal(epoch) === ordinal && first <= seq && seq <= last
}

function isBefore(one: Slot, other: Slot): boolean {
  return one.ordinal < other.ordinal || (one.ordinal === other.ordinal && one.seq < other.seq)
}
