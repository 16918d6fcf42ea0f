import type { Clock } from '../core/clock.js'
import { SerialQueue } from '../core/serial-queue.js'
import { TokenBucket } from '../core/token-bucket.js'
import { type AccessRules, mayPublish, maySubscribe } from './access-rules.js'

/** What one client may take of the broker; docs/in-store-broker.md says what happens beyond. */
export interface ClientLimits {
  readonly connections: number
  readonly messagesPerSecond: number
  readonly payloadBytes: number
  readonly subscriptions: number
  /** Topics that hold a retained message of this client. */
  readonly retainedTopics: number
}

/** Where a client's messages on one topic go, in place of subscribers. */
export interface Inbox {
  /** A connection of the client is there. `hangUp` ends it. */
  enter(hangUp: () => void): InboxVisit
}

export interface InboxVisit {
  /** Whether it is kept for good: only then it is acknowledged, and else the client is cut. */
  take(payload: Uint8Array): Promise<boolean>
  leave(): void
}

export interface Publication {
  readonly topic: string
  readonly payload: Uint8Array
  readonly retain: boolean
}

/** What all connections of one client have used up. */
export class ClientTally {
  readonly rate: TokenBucket
  readonly retained = new Set<string>()

  constructor({ messagesPerSecond }: ClientLimits, clock: Clock) {
    this.rate = new TokenBucket({
      clock,
      burst: messagesPerSecond,
      everyMs: 1000 / messagesPerSecond,
    })
  }
}

/** One connection of a client that said who it is. */
export class Visitor {
  readonly #rules: AccessRules
  readonly #limits: ClientLimits | undefined
  readonly #tally: ClientTally | undefined
  readonly #clock: Clock
  readonly #inboxes: ReadonlyMap<string, InboxVisit>
  readonly #inboxTopics: ReadonlySet<string>
  readonly #filters = new Set<string>()
  /** Messages are done with in the order in which they came, and so are their PUBACKs. */
  readonly #turns = new SerialQueue()
  readonly #left = new AbortController()

  constructor(options: {
    readonly rules: AccessRules
    readonly inboxes: ReadonlyMap<string, Inbox>
    /** Of all clients: what another one says there nobody would keep. */
    readonly inboxTopics: ReadonlySet<string>
    readonly limits: ClientLimits | undefined
    readonly tally: ClientTally | undefined
    readonly clock: Clock
    readonly hangUp: () => void
  }) {
    this.#rules = options.rules
    this.#limits = options.limits
    this.#tally = options.tally
    this.#clock = options.clock
    this.#inboxTopics = options.inboxTopics
    const { inboxes, hangUp } = options
    this.#inboxes = new Map([...inboxes].map(([topic, inbox]) => [topic, inbox.enter(hangUp)]))
  }

  /** Why the client has to be cut for this message, or undefined: then it may be acknowledged. */
  publish(message: Publication): Promise<string | undefined> {
    return this.#turns.run(async () => {
      await this.#inTime()
      if (this.#left.signal.aborted) return 'it is gone'
      const refusal = this.refuses(message)
      const inbox = this.#inboxes.get(message.topic)
      if (refusal !== undefined || inbox === undefined) return refusal
      return (await inbox.take(message.payload)) ? undefined : 'not kept: it has to say it again'
    })
  }

  /** What keeps this message from anybody, but for its time and an inbox that has no room. */
  refuses({ topic, payload, retain }: Publication): string | undefined {
    const mayWrite = !this.#inboxTopics.has(topic) && mayPublish(this.#rules, topic)
    if (!this.#inboxes.has(topic) && !mayWrite) return `may not write ${topic}`
    const { payloadBytes = Infinity, retainedTopics = Infinity } = this.#limits ?? {}
    if (payload.length > payloadBytes)
      return `${payload.length} bytes of payload; ${payloadBytes} are allowed`
    const retained = this.#tally?.retained
    if (!retain || retained === undefined) return undefined
    if (payload.length === 0) retained.delete(topic)
    else if (!retained.has(topic) && retained.size >= retainedTopics)
      return `more than ${retainedTopics} retained messages`
    else retained.add(topic)
    return undefined
  }

  /** What a will may say: it is no message that anybody would acknowledge. */
  refusesWill(will: Publication): string | undefined {
    if (!this.#inboxes.has(will.topic)) return this.refuses(will)
    return `a will on ${will.topic}, which is for what is acknowledged`
  }

  subscribes(filter: string): boolean {
    const { subscriptions = Infinity } = this.#limits ?? {}
    const isFull = !this.#filters.has(filter) && this.#filters.size >= subscriptions
    if (isFull || !maySubscribe(this.#rules, filter)) return false
    this.#filters.add(filter)
    return true
  }

  unsubscribed(filters: readonly string[]): void {
    for (const filter of filters) this.#filters.delete(filter)
  }

  leave(): void {
    this.#left.abort()
    for (const visit of this.#inboxes.values()) visit.leave()
  }

  /** Who says too much is read slower: nothing of it is lost, and nobody else waits for it. */
  async #inTime(): Promise<void> {
    const waitMs = this.#tally?.rate.reserve() ?? 0
    if (waitMs > 0) await this.#clock.sleep(waitMs, this.#left.signal)
  }
}
