import { type Clock, rfc3339 } from '../core/clock.js'
import { Doorbell } from '../core/doorbell.js'
import { messageOf } from '../core/errors.js'
import { newEventId, type StoreId, terminalId } from '../core/ids.js'
import { LIMITS } from '../core/limits.js'
import type { Logger } from '../core/log.js'
import type { Random } from '../core/random.js'
import { type ClockState, GATEWAY_TERMINAL } from '../event/event.js'
import { makeEvent } from '../event/make-event.js'
import type { SigningKey } from '../security/signature.js'
import { makeSignedEvent, type SignedType, type UnsignedData } from '../security/signed-event.js'
import type { JournalRecord } from '../wire/record.js'
import type { Journal } from './journal.js'
import { endOfStatement } from './signed-memory.js'
import { sumWindow } from './statement-window.js'

/** How often time is looked at: ten minutes and the end of a day bear to be late by this. */
const LOOK_MS = 10_000
/** Wait after a write that the disk refused. */
const RETRY_MS = 60_000

export interface NotaryOptions {
  readonly journal: Journal
  readonly key: SigningKey
  /** Why the key is a new one, where it is. */
  readonly keyMade?: string
  /** The store signs with another key than before: someone has to know why. */
  readonly onKeyChanged: (cause: string) => void
  readonly store: StoreId
  /** IANA name: its midnight ends the store's day. */
  readonly timeZone: string
  readonly clock: Clock
  readonly random: Random
  readonly clockState: () => ClockState
  readonly logger: Logger
}

/**
 * Signs the journal with the store's key: a checkpoint after so many records or minutes, while
 * there is something new, and a statement of what was journaled when the store's day ends. A disk
 * that refuses is tried again; the shop does not wait for it.
 */
export class Notary {
  readonly #options: NotaryOptions
  readonly #bell: Doorbell
  readonly #stopping = new AbortController()
  #running: Promise<void> | undefined
  /** Records since the newest checkpoint, and when that was. */
  #unsigned = 1
  #signedAtMs = Number.NEGATIVE_INFINITY
  /** The local date that the next statement closes; nothing before the first look succeeded. */
  #day: string | undefined
  #notBeforeMs = Number.NEGATIVE_INFINITY

  constructor(options: NotaryOptions) {
    this.#options = options
    this.#bell = new Doorbell(options.clock)
  }

  start(): void {
    this.#running ??= this.#run()
  }

  /** Signs what is still unsigned; the journal stays open until this resolves. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#bell.ring()
    await this.#running
  }

  async #run(): Promise<void> {
    const { journal } = this.#options
    const { signal } = this.#stopping
    const silence = journal.onAppended(records => this.#count(records))
    while (!signal.aborted) {
      await this.#attempt(() => this.#look())
      await this.#bell.wait(LOOK_MS)
    }
    if (this.#unsigned > 0) await this.#attempt(() => this.#checkpoint())
    silence()
  }

  #count(records: readonly JournalRecord[]): void {
    for (const { header } of records) {
      const isCheckpoint = header.type === 'journal.checkpoint'
      this.#unsigned = isCheckpoint ? 0 : this.#unsigned + 1
      if (isCheckpoint) this.#signedAtMs = this.#options.clock.monotonicMs()
    }
    if (this.#unsigned >= LIMITS.checkpointRecords) this.#bell.ring()
  }

  async #attempt(task: () => Promise<void>): Promise<void> {
    const { clock, logger } = this.#options
    if (clock.monotonicMs() < this.#notBeforeMs && !this.#stopping.signal.aborted) return
    try {
      await task()
    } catch (thrown) {
      this.#notBeforeMs = clock.monotonicMs() + RETRY_MS
      logger.warn({ reason: messageOf(thrown) }, 'the journal was not signed; tried again')
    }
  }

  async #look(): Promise<void> {
    const { clock, timeZone } = this.#options
    const today = rfc3339(clock.wallMs(), timeZone).slice(0, 10)
    this.#day ??= await this.#begin(today)
    // Also where the clock went back: a wrong date must not put off the next statement for years.
    if (this.#day !== today) {
      await this.#state(this.#day)
      this.#day = today
    }
    const isOld = clock.monotonicMs() - this.#signedAtMs >= LIMITS.checkpointMs
    const isDue = this.#unsigned >= LIMITS.checkpointRecords || (this.#unsigned > 0 && isOld)
    if (isDue) await this.#checkpoint()
  }

  /** Notes a changed key; the date of the newest checkpoint, of a day that may have ended since. */
  async #begin(today: string): Promise<string> {
    const { journal, key, keyMade, onKeyChanged } = this.#options
    const newest = await journal.newest('journal.checkpoint')
    if (newest?.type !== 'journal.checkpoint') return today
    const { publicKey: previous } = newest.data
    if (previous !== key.publicKey) {
      const cause = keyMade ?? 'another key was put in its place'
      await journal.append([this.#keyChanged(previous, cause)])
      onKeyChanged(cause)
    }
    return newest.time.slice(0, 10)
  }

  #keyChanged(previous: string, cause: string) {
    const { key } = this.#options
    return makeEvent({
      ...this.#moment(),
      type: 'journal.key-changed',
      terminal: terminalId(GATEWAY_TERMINAL),
      data: { publicKey: key.publicKey, previous, cause: cause.slice(0, 200) },
    })
  }

  #checkpoint(): Promise<void> {
    return this.#options.journal.seal(end => this.#signed('journal.checkpoint', end))
  }

  /** As many statements as it takes to cover everything that none has covered. */
  async #state(day: string): Promise<void> {
    const { journal } = this.#options
    const { signal } = this.#stopping
    for (let isWhole = false; !isWhole; ) {
      const newest = await journal.newest('journal.statement')
      const after = newest?.type === 'journal.statement' ? endOfStatement(newest.data) : undefined
      const window = await sumWindow({ journal, after, signal })
      if (window === undefined) return
      await journal.append([this.#signed('journal.statement', { day, ...window.statement })])
      isWhole = window.isWhole
    }
  }

  #signed<Type extends SignedType>(type: Type, data: UnsignedData<Type>) {
    return makeSignedEvent({ ...this.#moment(), key: this.#options.key, type, data })
  }

  #moment() {
    const { clock, random, store, timeZone, clockState } = this.#options
    const id = newEventId(clock, random)
    return { id, store, wallMs: clock.wallMs(), timeZone, clockState: clockState() }
  }
}
