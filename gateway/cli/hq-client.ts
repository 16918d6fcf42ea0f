import { rfc3339, systemClock } from '../core/clock.js'
import { type ErrorCode, messageOf } from '../core/errors.js'
import { newEventId, type StoreId, type TerminalId, terminalId } from '../core/ids.js'
import { silentLogger } from '../core/log.js'
import { systemRandom } from '../core/random.js'
import { GATEWAY_TERMINAL } from '../event/event.js'
import { MqttJsConnection } from '../mqtt/mqtt-js-connection.js'
import type { MqttAddress } from '../mqtt/mqtt-session.js'
import { signJws } from '../security/jws.js'
import type { SigningKey } from '../security/signature.js'
import { decodeAnswerChunk } from '../wire/answer.js'
import {
  type CommandOutcome,
  type CommandReport,
  type CommandRequest,
  type CommandValues,
  decodeReport,
  encodeRequest,
} from '../wire/command.js'
import { decodeStatus, type StoreStatus } from '../wire/status.js'
import type { Topics } from '../wire/topics.js'

const NOT_HEARD =
  'the store said nothing: its hq.keys may lack this key, it may want a second one, ' +
  'its journal may be full, its link slow'

/** Waiting does not mend these, at a broker that was never reached. */
const HOPELESS: ReadonlySet<ErrorCode | undefined> = new Set(['TB_MQTT_REFUSED', 'TB_MQTT_TLS'])

const FAREWELL_MS = 1_000
/** A request is said again so often, until the store has said how it ended. */
const AGAIN_MS = 3_000
/** How long after its expiry a request is asked after: the store may answer still. */
const GRACE_MS = 2_000
const LOOK_MS = 50
const SAY_AGAIN_MS = 60_000

/** Something to be done in a shop. */
export interface Errand {
  readonly store: StoreId
  readonly target: TerminalId
  readonly verb: string
  readonly arguments: CommandValues
  /** The store begins it within, or not at all. */
  readonly lifetimeMs: number
  /** Once it was begun its end is waited for so long. */
  readonly patienceMs: number
  /** Pieces of a long answer, each once and in order, as they come. */
  readonly onChunk?: (bytes: Uint8Array) => void
  /** Ends the waiting; what runs in the shop goes on until its time is over, or `cancel`. */
  readonly signal?: AbortSignal
}

type Asked = Pick<Errand, 'store' | 'target' | 'verb' | 'arguments' | 'lifetimeMs'>

/** An errand on its way; `silences` end what is listened to for it. */
interface Conversation {
  readonly id: string
  readonly errand: Errand
  readonly talk: Talk
  readonly silences: (() => void)[]
}

/** What became of an errand, under the id that stands in the store's journal. */
export interface ErrandEnd {
  readonly id: string
  readonly outcome: CommandOutcome
}

/** HQ's end of the way back: signs what a shop is to do, says it until it is answered. */
export class HqClient {
  readonly #connection: MqttJsConnection
  readonly #topics: Topics
  readonly #keys: readonly SigningKey[]
  readonly #issuer: string
  #isHopeless = false

  constructor(options: {
    readonly address: Omit<MqttAddress, 'clientId'>
    readonly topics: Topics
    readonly key: SigningKey
    /** Of a second person, who signs what the first one did. */
    readonly second?: SigningKey
    readonly issuer: string
  }) {
    const clientId = `tillbridge-send-${Buffer.from(systemRandom.bytes(6)).toString('hex')}`
    this.#topics = options.topics
    this.#keys = [options.key, ...(options.second === undefined ? [] : [options.second])]
    this.#issuer = options.issuer
    this.#connection = new MqttJsConnection({
      address: { ...options.address, clientId },
      clock: systemClock,
      random: systemRandom,
      logger: silentLogger,
    })
  }

  start(): void {
    let wasOnline = false
    this.#connection.onState(state => {
      wasOnline ||= state.type === 'online'
      this.#isHopeless = !wasOnline && state.type === 'connecting' && HOPELESS.has(state.code)
    })
    this.#connection.start()
  }

  stop(): Promise<void> {
    return this.#connection.stop(FAREWELL_MS)
  }

  /** Resolves with what came of it, or with what can be said of that: it never rejects. */
  async run(errand: Errand): Promise<ErrandEnd> {
    const id = newEventId(systemClock, systemRandom)
    const talk = new Talk(errand)
    const [topics, { store }] = [this.#topics, errand]
    const silences: (() => void)[] = [
      this.#connection.subscribe(topics.status(store), ({ payload }) => talk.status(payload)),
      this.#connection.subscribe(topics.outcome(store, id), ({ payload }) => talk.report(payload)),
      this.#connection.subscribe(topics.answers(store, id), ({ payload }) => talk.chunk(payload)),
    ]
    try {
      return { id, outcome: await this.#untilEnd({ id, errand, talk, silences }) }
    } finally {
      for (const silence of silences) silence()
    }
  }

  async #untilEnd(conversation: Conversation): Promise<CommandOutcome> {
    const { id, errand, talk } = conversation
    const { lifetimeMs, patienceMs, signal } = errand
    const startMs = systemClock.monotonicMs()
    const issuedMs = systemClock.wallMs()
    let saidMs: number | undefined
    while (signal?.aborted !== true && !this.#isHopeless) {
      const outcome = talk.outcome
      if (outcome !== undefined) return outcome
      const nowMs = systemClock.monotonicMs()
      const graceMs = saidMs === undefined ? 0 : GRACE_MS
      const limitMs = talk.isBegun ? patienceMs : lifetimeMs + graceMs
      if (nowMs - startMs > limitMs) break
      const isTime = saidMs === undefined || nowMs - saidMs >= AGAIN_MS || talk.isChallenged
      const mayBegin = talk.isBegun || nowMs - startMs < lifetimeMs
      if (isTime && mayBegin && (await this.#say(this.#request(id, issuedMs, errand), talk)))
        saidMs = nowMs
      if (talk.hasLacked(nowMs)) await this.#askAgain(conversation)
      await systemClock.sleep(LOOK_MS, signal)
    }
    if (saidMs === undefined) {
      const { state } = this.#connection
      const why = state.type === 'connecting' ? state.reason : undefined
      const detail = why === undefined ? 'the store was not there' : `the broker: ${why}`
      return { type: 'failed', reason: 'expired', detail: detail.slice(0, 400) }
    }
    const detail = talk.isBegun ? 'it runs still' : NOT_HEARD
    return { type: 'failed', reason: 'unknown', detail }
  }

  /** For what was published while this end was away: the gateway knows it for a while. */
  async #askAgain({ id, errand, talk, silences }: Conversation): Promise<void> {
    const { store } = errand
    const again = newEventId(systemClock, systemRandom)
    silences.push(
      this.#connection.subscribe(this.#topics.outcome(store, again), ({ payload }) =>
        talk.sayAgainEnded(payload),
      ),
    )
    const asked = {
      store,
      target: terminalId(GATEWAY_TERMINAL),
      verb: 'say-again',
      arguments: { id, from: talk.chunks },
      lifetimeMs: SAY_AGAIN_MS,
    }
    await this.#say(this.#request(again, systemClock.wallMs(), asked), talk)
  }

  #request(id: string, issuedMs: number, errand: Asked): CommandRequest {
    const { store, target, verb, lifetimeMs } = errand
    return {
      v: 1,
      id,
      issuer: this.#issuer,
      issuedAt: rfc3339(issuedMs, 'UTC'),
      expiresAt: rfc3339(issuedMs + lifetimeMs, 'UTC'),
      store,
      target,
      verb,
      arguments: errand.arguments,
    }
  }

  /** Whether the broker took it. Nothing is said to a store that is not there. */
  async #say(request: CommandRequest, talk: Talk): Promise<boolean> {
    const challenge = talk.nextChallenge()
    if (challenge === undefined || this.#connection.state.type !== 'online') return false
    const payload = this.#keys.reduce(signJws, encodeRequest({ ...request, challenge }))
    try {
      await this.#connection.publish({
        topic: this.#topics.command(request.store, request.id),
        payload,
      })
      talk.said()
      return true
    } catch (thrown) {
      talk.denied(messageOf(thrown))
      return false
    }
  }
}

/** What a store says about one request. */
class Talk {
  readonly #onChunk: (bytes: Uint8Array) => void
  #isThere = false
  #isSaid = false
  #epoch: string | undefined
  #challenge: string | undefined
  #report: CommandReport | undefined
  #isBegun = false
  #isChallenged = false
  #chunks = 0
  /** Chunks of which it is known that they were said. */
  #saidChunks = 0
  /** How many there were when more of them came, or were asked for. */
  #progress = { chunks: 0, ms: 0 }
  #outcome: CommandOutcome | undefined

  constructor({ onChunk }: Errand) {
    this.#onChunk = onChunk ?? (() => undefined)
  }

  /** Undefined while it is not known how it ended, or pieces of its answer are on their way. */
  get outcome(): CommandOutcome | undefined {
    if (this.#outcome !== undefined) return this.#outcome
    if (this.#report?.state !== 'ended') return undefined
    return this.#chunks < (this.#report.chunks ?? 0) ? undefined : this.#report.outcome
  }

  get isBegun(): boolean {
    return this.#isBegun
  }

  get isChallenged(): boolean {
    return this.#isChallenged
  }

  get chunks(): number {
    return this.#chunks
  }

  /** Whether chunks are missing, and have not been coming for a while; then for a while not. */
  hasLacked(nowMs: number): boolean {
    const { chunks, ms } = this.#progress
    if (this.#chunks >= this.#saidChunks || this.#chunks !== chunks) {
      this.#progress = { chunks: this.#chunks, ms: nowMs }
      return false
    }
    if (nowMs - ms < AGAIN_MS) return false
    this.#progress = { chunks, ms: nowMs }
    return true
  }

  sayAgainEnded(payload: Uint8Array): void {
    const report = decodeReport(payload)
    if (!report.ok || report.value.state !== 'ended') return
    const { outcome } = report.value
    const isForgotten = outcome.type === 'failed' && outcome.reason !== 'unknown'
    if (isForgotten && this.#chunks < this.#saidChunks)
      this.#end('unknown', `a part of the answer was lost on its way: ${outcome.detail}`)
  }

  /** What to bear in the next request; undefined while the store is not there. */
  nextChallenge(): string | undefined {
    this.#isChallenged = false
    return this.#isThere ? this.#challenge : undefined
  }

  /** From here on only this start of the gateway may begin it: another may have forgotten it. */
  said(): void {
    this.#isSaid = true
  }

  status(payload: Uint8Array): void {
    const decoded = decodeStatus(payload)
    this.#isThere = decoded.ok && decoded.value.online
    if (decoded.ok && decoded.value.online) this.#heard(decoded.value)
  }

  #heard({ commands, epoch }: StoreStatus): void {
    if (commands === undefined)
      this.#end('unsupported', 'the shop takes no commands: it pins no key (hq.keys)')
    else if (!this.#isSaid || epoch === this.#epoch) {
      this.#epoch = epoch
      this.#challenge = commands.challenge
    }
  }

  report(payload: Uint8Array): void {
    const decoded = decodeReport(payload)
    if (!decoded.ok || this.#report?.state === 'ended') return
    this.#report = decoded.value
    const { state } = this.#report
    if (state === 'challenged') this.#challenged(this.#report)
    else this.#isBegun = true
    if (state === 'ended') this.#saidChunks = Math.max(this.#saidChunks, this.#report.chunks ?? 0)
  }

  #challenged({ challenge, epoch }: { readonly challenge: string; readonly epoch: string }): void {
    if (epoch !== this.#epoch)
      this.#end('unknown', 'the gateway was started anew, and does not remember it')
    this.#challenge = challenge
    this.#isChallenged = true
  }

  chunk(payload: Uint8Array): void {
    const decoded = decodeAnswerChunk(payload)
    if (!decoded.ok) return
    this.#saidChunks = Math.max(this.#saidChunks, decoded.value.n + 1)
    if (decoded.value.n !== this.#chunks) return
    this.#chunks += 1
    if (decoded.value.bytes.length > 0) this.#onChunk(decoded.value.bytes)
  }

  denied(reason: string): void {
    if (/refused with code/.test(reason)) this.#end('rejected', reason)
  }

  #end(reason: Extract<CommandOutcome, { type: 'failed' }>['reason'], detail: string): void {
    this.#outcome ??= { type: 'failed', reason, detail: detail.slice(0, 400) }
  }
}
