import { toHex } from '../core/bytes.js'
import type { MonotonicMs } from '../core/clock.js'
import { Doorbell } from '../core/doorbell.js'
import { messageOf, TillbridgeError } from '../core/errors.js'
import type { EpochId } from '../core/ids.js'
import { LIMITS } from '../core/limits.js'
import { addRange, type RangeSet } from '../core/range-set.js'
import { ok, type Result } from '../core/result.js'
import { RetrySchedule } from '../core/retry-schedule.js'
import { decodeEvent } from '../event/event.js'
import type { Delivery, MqttMessage } from '../mqtt/connection.js'
import { encodeFanOut } from '../wire/fan-out.js'
import type { JournalRecord } from '../wire/record.js'
import { confirmJournal } from './confirm-journal.js'
import { directReceipt } from './direct-receipt.js'
import { ABANDONED, type Pass, type PassContext, type PassEnd } from './pass.js'
import { publishFailure } from './publish-failure.js'
import { RecordSource } from './record-source.js'
import { ringing } from './ringing.js'
import { nextRange, type SendRange } from './send-plan.js'

/** One read of the backlog and one of what is journaled just now. */
const READS_IN_FLIGHT = 2
/** The longest wait before the next offer of what was refused, in first ones. */
const REFUSED_LONGEST = 16

const NOT_HEARD: PassEnd = {
  status: {
    state: 'denied',
    reason:
      'the broker took the probe and did not deliver it back: its access rules must let this ' +
      'store write and read its own events topics. Nothing is trimmed until then.',
  },
  soon: false,
}

/**
 * Mode `direct`: each event on its own topic, confirmed by the broker's PUBACK. A broker of MQTT
 * 3.1.1 acknowledges what it forbids just the same, so the store must hear itself first.
 */
export class DirectPass implements Pass {
  readonly #context: PassContext
  readonly #bell: Doorbell
  readonly #probe: string
  readonly #source: RecordSource
  #inFlight: readonly SendRange[] = []
  readonly #acknowledged = new Map<EpochId, RangeSet>()
  /** What the broker forbids: why, by topic. Nothing more goes there until it is tried again. */
  readonly #forbidden = new Map<string, string>()
  #isHeard = false
  /** When to offer again what was refused. */
  #retryMs: MonotonicMs | undefined
  readonly #refused: RetrySchedule
  #end: PassEnd | undefined

  constructor(context: PassContext) {
    this.#context = context
    this.#bell = new Doorbell(context.clock)
    this.#source = new RecordSource(context)
    this.#probe = toHex(context.random.bytes(16))
    const { random, patience } = context
    const firstMs = patience.refusedMs
    this.#refused = new RetrySchedule({ firstMs, maxMs: firstMs * REFUSED_LONGEST, random })
  }

  get hasWorked(): boolean {
    return this.#acknowledged.size > 0
  }

  run(): Promise<PassEnd> {
    return ringing(
      { ...this.#context, bell: this.#bell },
      async () => (await this.#prove()) ?? (await this.#confirmAll()),
    )
  }

  async deliver({ topic, payload, retained }: Delivery): Promise<void> {
    if (retained || topic !== this.#context.topics.probe(this.#context.store)) return
    if (Buffer.from(payload).toString('latin1') !== this.#probe) return
    this.#isHeard = true
    this.#bell.ring()
  }

  /** Publishes a probe and waits to hear it; returns why that failed. */
  async #prove(): Promise<PassEnd | undefined> {
    const { connection, topics, store, clock, patience, signal, report } = this.#context
    report({ state: 'connecting', reason: 'proving that the broker delivers our events' })
    connection.publish({ topic: topics.probe(store), payload: this.#probe }).catch(thrown => {
      this.#fail(publishFailure(thrown))
    })
    const deadlineMs = clock.monotonicMs() + patience.probeMs
    while (!this.#isHeard && this.#end === undefined && !signal.aborted) {
      const leftMs = deadlineMs - clock.monotonicMs()
      if (leftMs <= 0) return NOT_HEARD
      await this.#bell.wait(leftMs)
    }
    return this.#end ?? (this.#isHeard ? undefined : ABANDONED)
  }

  async #confirmAll(): Promise<PassEnd> {
    const { signal, report } = this.#context
    report(this.#source.status)
    while (!signal.aborted && this.#end === undefined) {
      const range = this.#next()
      if (range !== undefined) await this.#send(range)
      else await this.#wait()
    }
    return this.#end ?? ABANDONED
  }

  /**
   * What the broker refuses is offered again now and then, for rights and limits may be mended: not
   * before all else is through, and ever more seldom.
   */
  async #wait(): Promise<void> {
    const { clock } = this.#context
    if (!this.#source.hasRefused || this.#inFlight.length > 0) return void (await this.#bell.wait())
    const nowMs = clock.monotonicMs()
    this.#retryMs ??= nowMs + this.#refused.nextMs()
    if (nowMs < this.#retryMs) return void (await this.#bell.wait(this.#retryMs - nowMs))
    this.#retryMs = undefined
    this.#forbidden.clear()
    this.#source.retry()
  }

  #next(): SendRange | undefined {
    const { journal, border } = this.#context
    return nextRange({
      epochs: journal.epochs(),
      inFlight: this.#inFlight,
      // Beyond so many gaps no receipt tells the journal: only this pass knows.
      skipped: [this.#source.skipped, this.#acknowledged],
      border,
      credit: READS_IN_FLIGHT,
      maxRecords: LIMITS.directRecords,
    })
  }

  /** Resolves when the records are handed to the connection; their PUBACKs follow. */
  async #send(range: SendRange): Promise<void> {
    this.#inFlight = [...this.#inFlight, range]
    const slice = await this.#source.read(range, LIMITS.batchBytes)
    const published = (slice?.records ?? []).map(record => this.#publish(record, range.historical))
    const last = slice?.records.at(-1)?.header.seq
    if (last !== undefined) this.#context.progress?.sent({ ...range, last })
    void this.#settle(range, published)
  }

  async #settle(range: SendRange, published: readonly Promise<void>[]): Promise<void> {
    const results = await Promise.allSettled(published)
    const { journal } = this.#context
    await confirmJournal(this.#context, directReceipt(journal.epochs(), this.#acknowledged))
    this.#inFlight = this.#inFlight.filter(other => other !== range)
    const failed = results.find(result => result.status === 'rejected')
    if (failed !== undefined) this.#fail(publishFailure(failed.reason))
    this.#bell.ring()
  }

  /** Resolves when the broker has it or refuses it, or there is nothing to send of it. */
  async #publish(record: JournalRecord, historical: boolean): Promise<void> {
    const { header } = record
    const { epoch, seq } = header
    const message = this.#messageOf(record, historical)
    if (!message.ok) return this.#source.skip('damaged', header, message.error)
    if (message.value !== undefined) {
      const refusal = await this.#offer(message.value)
      if (refusal !== undefined) return this.#source.skip('refused', header, refusal)
    }
    this.#acknowledged.set(epoch, addRange(this.#acknowledged.get(epoch) ?? [], [seq, seq]))
  }

  /** Nothing where the record has no event any more. */
  #messageOf(
    { header, body }: JournalRecord,
    historical: boolean,
  ): Result<MqttMessage | undefined, string> {
    if (body.type !== 'event') return ok(undefined)
    const event = decodeEvent(body.bytes)
    if (!event.ok) return event
    const { topics, store, clock } = this.#context
    const { terminal, type } = event.value
    const recordedMs = clock.wallMs()
    const payload = encodeFanOut({ event: event.value, header, recordedMs, historical })
    return ok({ topic: topics.event(store, terminal, type), payload })
  }

  /** Why the broker refuses it; nothing when it has it. @throws TillbridgeError TB_MQTT_CLOSED */
  async #offer(message: MqttMessage): Promise<string | undefined> {
    const { topic } = message
    const known = this.#forbidden.get(topic)
    if (known !== undefined) return known
    try {
      await this.#context.connection.publish(message)
      return undefined
    } catch (thrown) {
      const code = thrown instanceof TillbridgeError ? thrown.code : undefined
      const reason = messageOf(thrown)
      if (code === 'TB_MQTT_DENIED') this.#forbidden.set(topic, reason)
      else if (code !== 'TB_MQTT_TOO_LARGE') throw thrown
      return reason
    }
  }

  #fail(end: PassEnd): void {
    this.#end ??= end
    this.#bell.ring()
  }
}
