import { Doorbell } from '../core/doorbell.js'
import { messageOf, TillbridgeError } from '../core/errors.js'
import type { LedgerId } from '../core/ids.js'
import { LIMITS } from '../core/limits.js'
import type { Delivery } from '../mqtt/connection.js'
import { encodeBatch, makeBatch } from '../wire/batch.js'
import { encodeHello } from '../wire/hello.js'
import { decodeReceipt, type Receipt } from '../wire/receipt.js'
import type { JournalRecord } from '../wire/record.js'
import { confirmJournal } from './confirm-journal.js'
import { asked, type HelloPage, helloPage } from './hello-page.js'
import { InFlight } from './in-flight.js'
import { type LostTail, lostTails } from './lost-tail.js'
import { ABANDONED, type Pass, type PassContext, type PassEnd } from './pass.js'
import { publishFailure } from './publish-failure.js'
import { RecordSource } from './record-source.js'
import { ringing } from './ringing.js'
import { nextRange, type SendRange } from './send-plan.js'

const FIRST_PAGE: HelloPage = { epochs: [], upToOrdinal: 0, hasNext: true }

/**
 * Mode `ledger`: hello, receipt, then batches until receipts cover everything (sync.md, rule 3).
 */
export class LedgerPass implements Pass {
  readonly #context: PassContext
  readonly #bell: Doorbell
  readonly #inFlight: InFlight
  readonly #source: RecordSource
  #helloMs = 0
  #receiptMs = 0
  #page = FIRST_PAGE
  /** The generation that answered in this pass. */
  #ledger: LedgerId | undefined
  /** Batches that HQ takes at once, by its receipt for the present hello. */
  #credit: number | undefined
  #end: PassEnd | undefined

  constructor(context: PassContext) {
    this.#context = context
    this.#bell = new Doorbell(context.clock)
    this.#source = new RecordSource(context)
    this.#inFlight = new InFlight({ timeoutMs: context.patience.receiptMs })
  }

  get hasWorked(): boolean {
    return this.#inFlight.hasCovered
  }

  async run(): Promise<PassEnd> {
    const end = await ringing({ ...this.#context, bell: this.#bell }, () => this.#converse())
    const { clock, pacing } = this.#context
    pacing.unanswered({ sentMs: this.#inFlight.oldestMs, nowMs: clock.monotonicMs() })
    return end
  }

  async deliver({ topic, payload, retained }: Delivery): Promise<void> {
    const { topics, store, logger } = this.#context
    // A retained message may be older than the ledger that now answers, so it proves nothing.
    if (retained || this.#context.signal.aborted) return
    if (topic === topics.ledger) return this.#startOver('HQ has announced its ledger')
    if (topic !== topics.receipt(store)) return
    const receipt = decodeReceipt(payload)
    if (receipt.ok) await this.#confirm(receipt.value)
    else logger.warn({ reason: receipt.error }, 'a receipt that cannot be read')
  }

  async #converse(): Promise<PassEnd> {
    const { signal, clock } = this.#context
    this.#greet()
    while (!signal.aborted && this.#end === undefined) {
      const nowMs = clock.monotonicMs()
      const deadlineMs = this.#deadlineMs()
      if (nowMs >= deadlineMs) return this.#silence()
      const range = this.#next()
      if (range !== undefined) await this.#send(range)
      else if (this.#isThrough()) this.#greet()
      else if (nowMs >= this.#staleMs()) this.#askAgain()
      else await this.#bell.wait(Math.min(deadlineMs, this.#staleMs()) - nowMs)
    }
    return this.#end ?? ABANDONED
  }

  #greet(): void {
    const { journal, software, topics, store, clock, report, helloEpochs } = this.#context
    const { upToOrdinal: afterOrdinal } = this.#page
    this.#page = helloPage(journal.epochs(), { afterOrdinal, closed: helloEpochs })
    const epochs = this.#page.epochs.map(({ epoch, first, last }) => ({ epoch, first, last }))
    if (this.#ledger === undefined)
      report({ state: 'connecting', reason: 'waiting for HQ to answer' })
    this.#helloMs = clock.monotonicMs()
    this.#credit = undefined
    this.#publish(topics.hello(store), encodeHello({ v: 1, software, epochs }))
  }

  /**
   * What is `safe` moves on at HQ without a word to us; a journal so full that it takes nothing
   * has nothing to send, and would never hear of it.
   */
  #askAgain(): void {
    this.#page = FIRST_PAGE
    this.#greet()
  }

  #staleMs(): number {
    const isIdle = this.#credit !== undefined && this.#inFlight.ranges.length === 0
    return isIdle ? this.#receiptMs + this.#context.patience.askAgainMs : Infinity
  }

  /** All that the last hello named is confirmed, and there is more to ask about. */
  #isThrough(): boolean {
    const isIdle = this.#credit !== undefined && this.#inFlight.ranges.length === 0
    return isIdle && this.#page.hasNext
  }

  #next(): SendRange | undefined {
    if (this.#credit === undefined) return undefined
    const { journal, border, pacing } = this.#context
    return nextRange({
      epochs: asked(journal.epochs(), this.#page).extents,
      inFlight: this.#inFlight.ranges,
      skipped: [this.#source.skipped],
      border,
      credit: pacing.creditOf(this.#credit),
      maxRecords: LIMITS.batchRecords,
    })
  }

  async #send(range: SendRange): Promise<void> {
    const { store, topics, clock, logger, connection, pacing } = this.#context
    this.#inFlight.add(range, clock.monotonicMs())
    const { state } = connection
    const packetBytes = state.type === 'online' ? state.packetBytes : 0
    const maxBytes = Math.min(pacing.batchBytes, packetBytes)
    const slice = await this.#source.read(range, maxBytes)
    if (slice === undefined) return this.#inFlight.remove(range)
    const { records, previous } = slice
    const last = records.at(-1)
    if (last === undefined) {
      // It stays in flight until its deadline, so that this does not turn into a busy loop.
      logger.error({ ...range }, 'the journal does not hold what it says is unconfirmed')
      return
    }
    this.#inFlight.shorten(range, last.header.seq)
    const { historical } = range
    const batch = await encodeBatch(makeBatch({ store, previous, records, historical }))
    const refuse = records.length > 1 ? undefined : (reason: string) => this.#leave(last, reason)
    this.#publish(topics.journal(store), batch, refuse)
    const { epoch, first } = range
    this.#context.progress?.sent({ epoch, first, last: last.header.seq })
  }

  /** One record alone is more than the broker takes: all others can do without it. */
  #leave({ header: { epoch, seq } }: JournalRecord, reason: string): void {
    this.#source.skip('refused', { epoch, seq }, reason)
    this.#inFlight.remove({ epoch, first: seq, last: seq, historical: false })
    this.#bell.ring()
  }

  /** Not awaited: the receipt is the answer that counts, and a failure ends the pass. */
  #publish(topic: string, payload: Uint8Array | string, tooLarge?: (reason: string) => void): void {
    this.#context.connection.publish({ topic, payload }).catch(thrown => {
      const isTooLarge = thrown instanceof TillbridgeError && thrown.code === 'TB_MQTT_TOO_LARGE'
      if (isTooLarge && tooLarge !== undefined) return tooLarge(thrown.message)
      this.#end ??= publishFailure(thrown)
      this.#bell.ring()
    })
  }

  async #confirm({ ledger, epochs, credit }: Receipt): Promise<void> {
    const { journal, alarms, clock, report, pacing } = this.#context
    const tails = lostTails(journal.epochs(), epochs)
    for (const tail of tails) alarms.raise(tail)
    await this.#nameLost(tails)
    await confirmJournal(this.#context, epochs, asked(journal.epochs(), this.#page).ids)
    const nowMs = clock.monotonicMs()
    this.#receiptMs = nowMs
    for (const sentMs of this.#inFlight.cover(epochs, nowMs)) pacing.answered({ sentMs, nowMs })
    if (this.#ledger === undefined) report(this.#source.status)
    else if (this.#ledger !== ledger) this.#startOver(`HQ's ledger is another now: ${ledger}`)
    this.#ledger = ledger
    this.#credit = credit
    this.#bell.ring()
  }

  /** Naming it again costs nothing; what the disk refuses now the next receipt brings again. */
  async #nameLost(tails: readonly LostTail[]): Promise<void> {
    const gaps = tails.flatMap(({ gap }) => (gap === undefined ? [] : [gap]))
    if (gaps.length === 0) return
    const { journal, logger } = this.#context
    await journal.nameGaps(gaps).catch(thrown => {
      logger.warn({ reason: messageOf(thrown) }, 'a lost tail is not named yet')
    })
  }

  #deadlineMs(): number {
    if (this.#credit !== undefined) return this.#inFlight.deadlineMs()
    return this.#helloMs + this.#context.patience.receiptMs
  }

  #silence(): PassEnd {
    const seconds = this.#context.patience.receiptMs / 1000
    const reason =
      this.#credit === undefined
        ? `HQ does not answer: is \`tillbridge hq\` running, and may this store publish?`
        : `no receipt from HQ within ${seconds} s`
    return { status: { state: 'connecting', reason }, soon: false }
  }

  #startOver(reason: string): void {
    this.#end ??= { status: { state: 'connecting', reason }, soon: true }
    this.#bell.ring()
  }
}
