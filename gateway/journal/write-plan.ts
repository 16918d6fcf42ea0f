import { type Claim, Claims, readClaims, storeClaim } from '../core/claims.js'
import type { Clock } from '../core/clock.js'
import type { Database, Operation } from '../core/database.js'
import { TillbridgeError } from '../core/errors.js'
import { derivedEventId, type EpochId } from '../core/ids.js'
import { LIMITS } from '../core/limits.js'
import { EVENT_CATALOG } from '../event/catalog.js'
import { type ClockState, type Event, encodeWithDigest } from '../event/event.js'
import { identityHash } from '../event/event-identity.js'
import { makeEvent } from '../event/make-event.js'
import { isSignedType, type SignedType } from '../security/signed-event.js'
import { chainHash, type Digest, type JournalRecord } from '../wire/record.js'
import { storeFragments } from './fragments.js'
import type { AppendOutcome, ChainEnd, FragmentChange } from './journal.js'
import { claimKey, latestKey, placeBytes } from './keys.js'
import { rememberNewest } from './signed-memory.js'
import { markEvictable, storeRecord } from './stored-record.js'

/** An event as it will be journaled. */
export interface PreparedEvent {
  readonly event: Event
  readonly bytes: Uint8Array
  readonly claim: Claim
}

/**
 * An event that says what stands right before it, so it can only be made in the write itself. Its
 * id is new, and it does not throw.
 */
export type LateEvent = (end: ChainEnd) => Event

/** What one write may consist of. */
export type Writing = PreparedEvent | LateEvent | FragmentChange

/** What every record says of the machine and the moment. */
export interface RecordContext {
  readonly bootId: string
  readonly clock: Clock
  readonly clockState: () => ClockState
  /** IANA name; the offset of the journal's own events. */
  readonly timeZone: string
}

/** @throws TillbridgeError TB_EVENT_TOO_LARGE */
export function prepareEvent(event: Event): PreparedEvent {
  const { bytes, digest } = encodeWithDigest(event)
  if (bytes.length > LIMITS.eventBytes)
    throw new TillbridgeError(
      'TB_EVENT_TOO_LARGE',
      `${event.type} ${event.id} has ${bytes.length} bytes, ${LIMITS.eventBytes} are allowed`,
    )
  return { event, bytes, claim: { key: claimKey(identityHash(event)), digest } }
}

/** What an append asks of the disk. */
export function demandOf(
  events: readonly PreparedEvent[],
  fragments: FragmentChange | undefined,
): {
  readonly isMoney: boolean
  readonly bytes: number
} {
  const isLedger = events.some(({ event }) => EVENT_CATALOG[event.type].class === 'ledger')
  return {
    isMoney: isLedger || fragments !== undefined,
    bytes:
      events.reduce((sum, { bytes }) => sum + bytes.length, 0) +
      (fragments?.after.at(-1)?.length ?? 0),
  }
}

/** One write to the journal: which events become records, and all that makes them durable. */
export class WritePlan {
  readonly outcomes: AppendOutcome[] = []
  readonly records: JournalRecord[] = []
  readonly #epoch: EpochId
  readonly #claims: Claims
  readonly #context: RecordContext
  readonly #wallMs: number
  readonly #puts: Operation[] = []
  readonly #latest = new Map<string, Digest>()
  readonly #newest = new Map<SignedType, JournalRecord>()
  #last: number
  #head: Digest

  /** `last` and `head`: number and chain hash of the record that these will follow. */
  static async make(options: {
    readonly database: Database
    readonly epoch: EpochId
    readonly last: number
    readonly head: Digest
    readonly writings: readonly Writing[]
    readonly context: RecordContext
  }): Promise<WritePlan> {
    const { database, writings } = options
    const known = await readClaims(
      database,
      writings.flatMap(writing => ('claim' in writing ? [writing.claim] : [])),
    )
    const plan = new WritePlan({ ...options, claims: new Claims(known) })
    for (const writing of writings) plan.outcomes.push(plan.#write(writing))
    return plan
  }

  private constructor(options: {
    readonly epoch: EpochId
    readonly last: number
    readonly head: Digest
    readonly claims: Claims
    readonly context: RecordContext
  }) {
    this.#epoch = options.epoch
    this.#last = options.last
    this.#head = options.head
    this.#claims = options.claims
    this.#context = options.context
    this.#wallMs = options.context.clock.wallMs()
  }

  /** Chain hash of the last record. */
  get head(): Digest {
    return this.#head
  }

  get operations(): readonly Operation[] {
    const latest = [...this.#latest].map(([source, digest]): Operation => {
      return { type: 'put', key: latestKey(source), value: Buffer.from(digest, 'hex') }
    })
    const newest = [...this.#newest.values()].map(rememberNewest)
    return [...this.#puts, ...latest, ...newest]
  }

  #prepare(event: PreparedEvent | LateEvent): PreparedEvent {
    if (typeof event !== 'function') return event
    return prepareEvent(event({ epoch: this.#epoch, seq: this.#last, head: this.#head }))
  }

  /** What the operations bring to the database. */
  get bytes(): number {
    return this.operations.reduce(
      (sum, one) => sum + one.key.length + (one.type === 'put' ? one.value.length : 0),
      0,
    )
  }

  #write(writing: Writing): AppendOutcome {
    if (!('after' in writing)) return this.#take(this.#prepare(writing))
    this.#puts.push(...storeFragments(writing))
    return 'stored'
  }

  #take(prepared: PreparedEvent): AppendOutcome {
    const { event, claim } = prepared
    const judged = this.#claims.judge(claim)
    if (judged.type === 'duplicate') return 'duplicate'
    this.#record(prepared)
    // Only what a terminal sells or pays is repeated by it; its line's states come in between.
    if (EVENT_CATALOG[event.type].class === 'ledger') this.#latest.set(event.source, claim.digest)
    if (judged.type === 'new') return 'stored'
    this.#record(this.#conflictOf(event, [judged.firstDigest, claim.digest]))
    return 'conflict'
  }

  #record({ event, bytes, claim }: PreparedEvent): void {
    this.#last += 1
    const { bootId, clock, clockState } = this.#context
    const header = {
      epoch: this.#epoch,
      seq: this.#last,
      class: EVENT_CATALOG[event.type].class,
      type: event.type,
      boot: bootId,
      monotonicMs: Math.floor(clock.monotonicMs()),
      clock: clockState(),
    }
    const body = { type: 'event', bytes } as const
    const previous = this.#head
    this.#head = chainHash(previous, { header, body })
    const record = { header, body, hash: this.#head }
    this.records.push(record)
    if (isSignedType(event.type)) this.#newest.set(event.type, record)
    this.#puts.push(storeRecord({ record, previous, wallMs: this.#wallMs }))
    this.#puts.push(storeClaim(this.#claims.hold(claim), placeBytes(header)))
    if (header.class === 'telemetry') this.#puts.push(markEvictable(header))
  }

  #conflictOf(event: Event, digests: readonly [first: Digest, second: Digest]): PreparedEvent {
    const { id, source, store, terminal, type, subject } = event
    const [firstDigest, secondDigest] = digests
    return prepareEvent(
      makeEvent({
        type: 'event.conflict',
        id: derivedEventId(['event.conflict', source, id, ...digests]),
        store,
        terminal,
        wallMs: this.#wallMs,
        timeZone: this.#context.timeZone,
        clockState: this.#context.clockState(),
        data: {
          id,
          type,
          ...(subject === undefined ? {} : { subject }),
          firstDigest,
          secondDigest,
        },
      }),
    )
  }
}
