import { Aedes, type AedesOptions, type Client, type PublishPacket } from 'aedes'
import { type Clock, systemClock } from '../core/clock.js'
import { messageOf, TillbridgeError } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import type { Logger } from '../core/log.js'
import type { Random } from '../core/random.js'
import { PasswordMemory } from '../security/password.js'
import type { AccessRules } from './access-rules.js'
import { Crowd } from './crowd.js'
import { type BrokerTls, type Door, type Knock, type OpenDoor, openDoor } from './doors.js'
import { GuardedSocket } from './guarded-socket.js'
import { type ClientLimits, ClientTally, type Inbox, Visitor } from './visitor.js'

/** Somebody who may connect, and what they may do. */
export interface BrokerClient {
  readonly username: string
  /**
   * `scrypt$N$r$p$salt$hash`; see security/password.ts. Without one it comes with a certificate
   * whose common name is its user name.
   */
  readonly passwordHash?: string
  readonly rules: AccessRules
  readonly limits?: ClientLimits
  /** By their topics, which it may write without a rule. */
  readonly inboxes?: ReadonlyMap<string, Inbox>
}

export interface LocalBrokerOptions {
  /** Name under `$SYS`. */
  readonly id: string
  readonly listen: Door | readonly Door[]
  /** For the doors that are secure. */
  readonly tls?: BrokerTls
  readonly clients: readonly BrokerClient[]
  /** What clients without a user name may do; without it they are refused. */
  readonly anonymous?: AccessRules
  /** Of each client that has none of its own; without, there are none but those of LIMITS. */
  readonly limits?: ClientLimits
  readonly logger: Logger
  readonly random: Random
  readonly clock?: Clock
  /** LIMITS where nothing else is said. */
  readonly drainMs?: number
  readonly connectMs?: number
  readonly maxConnections?: number
  readonly maxPacketBytes?: number
}

/** CONNACK return codes, MQTT 3.1.1 §3.2.2.3. */
const BAD_IDENTIFIER = 2
const BAD_CREDENTIALS = 4
const NOT_AUTHORISED = 5

/** No user name can be empty in a configuration. */
const NOBODY = ''

/** What was kept for a slow subscriber has to be read in so many times what one read may take. */
const SLOW_DRAINS = 10

/** Long enough for what is put before a client's own id. */
const CLIENT_ID_CHARACTERS = 512

/** A message or a will, as aedes has it. */
interface Said {
  readonly topic: string
  readonly payload: string | Buffer
  readonly retain?: boolean | undefined
}

/** What a connection said in its CONNECT. */
interface Introduction {
  readonly will: Said | undefined
  /** A session to come back to, and no name to know it by (MQTT 3.1.1 §3.1.3.1). */
  readonly isNameless: boolean
}

type Claim = BrokerClient | { readonly refusal: number; readonly reason: string }

/**
 * A small MQTT 3.1.1 broker (aedes) for the shop and for the demonstration of HQ. It keeps nothing
 * but retained messages, in memory: what must not be lost goes to an inbox, which keeps it before
 * it is acknowledged.
 */
export class LocalBroker {
  readonly #options: LocalBrokerOptions
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #clients: ReadonlyMap<string, BrokerClient>
  readonly #inboxTopics: ReadonlySet<string>
  readonly #tallies = new Map<string, ClientTally>()
  readonly #knocks = new WeakMap<object, Knock>()
  readonly #introductions = new WeakMap<Client, Introduction>()
  /** From its CONNECT on. */
  readonly #visitors = new WeakMap<Client, Visitor>()
  readonly #passwords: PasswordMemory
  readonly #crowd: Crowd
  #running: { readonly doors: readonly OpenDoor[]; readonly aedes: Aedes } | undefined

  constructor(options: LocalBrokerOptions) {
    this.#options = options
    this.#logger = options.logger
    this.#clock = options.clock ?? systemClock
    this.#passwords = new PasswordMemory(options)
    this.#clients = new Map(options.clients.map(client => [client.username, client]))
    const inboxes = options.clients.flatMap(client => [...(client.inboxes?.keys() ?? [])])
    this.#inboxTopics = new Set(inboxes)
    this.#crowd = new Crowd({
      clock: this.#clock,
      connectMs: this.#connectMs,
      most: options.maxConnections ?? LIMITS.brokerConnections,
      mostWaiting: LIMITS.brokerWaiting,
    })
  }

  /** Where it listens, the first of several, or undefined while it does not. */
  get address(): OpenDoor['address'] | undefined {
    return this.addresses[0]
  }

  /** In the order of `listen`. */
  get addresses(): readonly OpenDoor['address'][] {
    return this.#running?.doors.map(({ address }) => address) ?? []
  }

  /** Connections turned away for want of room. */
  get turnedAway(): number {
    return this.#crowd.turnedAway
  }

  /** @throws TillbridgeError TB_BROKER_LISTEN, TB_BROKER_TLS */
  async start(): Promise<void> {
    const { listen, tls } = this.#options
    const aedes = await Aedes.createBroker(this.#aedesOptions())
    aedes.on('clientDisconnect', client => this.#visitors.get(client)?.leave())
    aedes.on('unsubscribe', (filters, client) => this.#visitors.get(client)?.unsubscribed(filters))
    const doors: OpenDoor[] = []
    this.#running = { doors, aedes }
    try {
      for (const door of [listen].flat())
        doors.push(
          await openDoor({
            door,
            tls,
            maxPacketBytes: this.#maxPacketBytes,
            onConnection: socket => this.#crowd.enter(socket.setNoDelay(true)),
            onKnock: knock => this.#admit(aedes, knock),
          }),
        )
    } catch (thrown) {
      await this.stop()
      throw thrown
    }
  }

  /** Disconnects everybody and gives the addresses back. */
  async stop(): Promise<void> {
    if (this.#running === undefined) return
    const { doors, aedes } = this.#running
    this.#running = undefined
    const closed = Promise.all(doors.map(door => door.close()))
    await new Promise<void>(resolve => aedes.close(() => resolve()))
    this.#crowd.scatter()
    await closed
  }

  /**
   * To every subscriber, QoS 1; resolves when it was handed to their sockets.
   * @throws TillbridgeError TB_MQTT_CLOSED while it does not listen
   */
  async publish(message: {
    readonly topic: string
    readonly payload: Uint8Array | string
    readonly retain?: boolean
  }): Promise<void> {
    const aedes = this.#running?.aedes
    if (aedes === undefined) throw new TillbridgeError('TB_MQTT_CLOSED', 'the broker is stopped')
    const { topic, retain = false } = message
    const payload = Buffer.from(message.payload)
    await new Promise<void>((resolve, reject) =>
      aedes.publish({ cmd: 'publish', qos: 1, dup: false, topic, payload, retain }, error =>
        error ? reject(error) : resolve(),
      ),
    )
  }

  get #maxPacketBytes(): number {
    return this.#options.maxPacketBytes ?? LIMITS.mqttPacketBytes
  }

  get #drainMs(): number {
    return this.#options.drainMs ?? LIMITS.brokerDrainMs
  }

  get #connectMs(): number {
    return this.#options.connectMs ?? LIMITS.brokerConnectMs
  }

  #admit(aedes: Aedes, knock: Knock): void {
    const socket = new GuardedSocket({
      stream: knock.stream,
      maxPacketBytes: this.#maxPacketBytes,
      queueBytes: LIMITS.brokerQueueBytes,
      stallMs: this.#drainMs,
      clock: this.#clock,
    })
    this.#knocks.set(socket, knock)
    this.#crowd.knocked(knock.place)
    aedes.handle(socket)
  }

  #aedesOptions(): AedesOptions {
    return {
      id: this.#options.id,
      connectTimeout: this.#connectMs,
      // One subscriber that reads slowly holds up who writes to it, until aedes gives it up; with a
      // limit to the concurrency it would hold up everybody.
      drainTimeout: SLOW_DRAINS * this.#drainMs,
      concurrency: 0,
      maxInflightInbound: LIMITS.brokerInflight,
      maxClientsIdLength: CLIENT_ID_CHARACTERS,
      preConnect: (client, packet, done) => {
        const { clientId, clean, will } = packet
        this.#introductions.set(client, { will, isNameless: !clean && clientId === '' })
        // A session that outlives its connection would be a queue without a bound.
        packet.clean = true
        // Nobody takes the place of another client by taking its id (§3.1.4-2).
        if (clientId !== '')
          packet.clientId = `${this.#nameOf(client, packet.username)}/${clientId}`
        done(null, true)
      },
      authenticate: (client, username, password, done) => {
        this.#welcome({ client, username, password: password?.toString('utf8') }).then(
          refusal => (refusal === undefined ? done(null, true) : done(refused(refusal), null)),
          thrown => {
            this.#logger.error({ reason: messageOf(thrown) }, 'a password was not checked')
            done(refused(NOT_AUTHORISED), null)
          },
        )
      },
      // Called before a message is acknowledged, which waits for `done`: PUBACK, and PUBREC.
      authorizePublish: (client, packet, done) => {
        this.#judge(client, packet).then(
          reason => (reason === undefined ? done() : done(new Error(reason))),
          thrown => done(thrown),
        )
      },
      authorizeSubscribe: (client, subscription, done) => {
        const { topic } = subscription
        if (this.#visitors.get(client)?.subscribes(topic) === true) return done(null, subscription)
        this.#logger.warn({ client: client.id, topic }, 'subscription denied')
        // No subscription and no error: the SUBACK says 128 (MQTT 3.1.1 §3.9.3).
        done(null, null)
      },
      // What a terminal says may hold card numbers: subscribers hear the event that it became.
      authorizeForward: (_client, packet) => (this.#inboxTopics.has(packet.topic) ? null : packet),
    }
  }

  /** The return code to refuse a client with; undefined: it is in. */
  async #welcome(said: {
    readonly client: Client
    readonly username: string | undefined
    readonly password: string | undefined
  }): Promise<number | undefined> {
    const { client } = said
    const introduction = this.#introductions.get(client)
    const claim = introduction?.isNameless
      ? { refusal: BAD_IDENTIFIER, reason: 'a lasting session without a client id' }
      : await this.#identified(said)
    const refusal = 'refusal' in claim ? claim : this.#enter(client, claim)
    if (refusal === undefined) return undefined
    const { reason } = refusal
    this.#logger.warn({ client: client.id, reason }, 'broker client refused')
    return refusal.refusal
  }

  async #identified(said: {
    readonly client: Client
    readonly username: string | undefined
    readonly password: string | undefined
  }): Promise<Claim> {
    const { client, username, password } = said
    const { anonymous } = this.#options
    const certificate = this.#knocks.get(client.conn)?.certificate
    const name = this.#nameOf(client, username)
    if (name === NOBODY)
      return anonymous === undefined
        ? { refusal: NOT_AUTHORISED, reason: 'it names nobody' }
        : { username: NOBODY, rules: anonymous }
    const known = this.#clients.get(name)
    if (known !== undefined && known.passwordHash === undefined && certificate === name)
      return known
    const isRight = await this.#passwords.verify(password ?? '', known?.passwordHash ?? '')
    return known !== undefined && isRight
      ? known
      : { refusal: BAD_CREDENTIALS, reason: 'wrong user name, password or certificate' }
  }

  #enter(client: Client, known: BrokerClient): Exclude<Claim, BrokerClient> | undefined {
    const { username, rules, limits = this.#options.limits } = known
    const inboxes = known.inboxes ?? new Map<string, Inbox>()
    const place = this.#knocks.get(client.conn)?.place ?? ''
    const most = limits?.connections ?? Number.POSITIVE_INFINITY
    if (!this.#crowd.settle(place, { name: username, most }))
      return { refusal: NOT_AUTHORISED, reason: `more than ${most} connections` }
    const visitor = new Visitor({
      rules,
      limits,
      inboxes,
      inboxTopics: this.#inboxTopics,
      tally: limits && this.#tallyOf(username, limits),
      clock: this.#clock,
      hangUp: () => client.close(),
    })
    const will = this.#introductions.get(client)?.will
    const reason = will && visitor.refusesWill(publicationOf(will))
    if (reason !== undefined) visitor.leave()
    if (reason !== undefined) return { refusal: NOT_AUTHORISED, reason }
    this.#visitors.set(client, visitor)
    return undefined
  }

  /** Why a client has to be cut for this message. */
  async #judge(client: Client | null, packet: PublishPacket): Promise<string | undefined> {
    // Who is gone for long has a will with nobody to answer for it; we keep no such.
    const visitor = client === null ? undefined : this.#visitors.get(client)
    if (client === null || visitor === undefined) return 'nobody says it'
    const message = publicationOf(packet)
    // It was allowed when the client came; nobody is there any more to wait for.
    if (packet === this.#introductions.get(client)?.will) return visitor.refusesWill(message)
    const reason = await visitor.publish(message)
    // A terminal's message is no state for who comes later.
    if (this.#inboxTopics.has(packet.topic)) packet.retain = false
    if (reason !== undefined)
      this.#logger.warn({ client: client.id, topic: packet.topic, reason }, 'publish denied')
    return reason
  }

  #nameOf(client: Client, username: string | undefined): string {
    return username ?? this.#knocks.get(client.conn)?.certificate ?? NOBODY
  }

  #tallyOf(name: string, limits: ClientLimits): ClientTally {
    const known = this.#tallies.get(name)
    if (known !== undefined) return known
    const made = new ClientTally(limits, this.#clock)
    this.#tallies.set(name, made)
    return made
  }
}

function publicationOf({ topic, payload, retain = false }: Said) {
  return { topic, payload: Buffer.from(payload), retain }
}

function refused(returnCode: number): Error & { returnCode: number } {
  return Object.assign(new Error('refused'), { returnCode })
}
