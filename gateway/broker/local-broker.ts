import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { Aedes, type AedesOptions, type Client } from 'aedes'
import { messageOf, TillbridgeError } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import type { Logger } from '../core/log.js'
import type { Random } from '../core/random.js'
import { PasswordMemory } from '../security/password.js'
import { type AccessRules, mayPublish, maySubscribe } from './access-rules.js'
import { GuardedSocket } from './guarded-socket.js'

/** Somebody who may connect, and what they may do. */
export interface BrokerClient {
  readonly username: string
  /** `scrypt$N$r$p$salt$hash`; see security/password.ts. */
  readonly passwordHash: string
  readonly rules: AccessRules
}

export interface LocalBrokerOptions {
  /** Name under `$SYS`. */
  readonly id: string
  readonly listen: { readonly host: string; readonly port: number }
  readonly clients: readonly BrokerClient[]
  /** What clients without a user name may do; without it they are refused. */
  readonly anonymous?: AccessRules
  readonly logger: Logger
  readonly random: Random
  /** LIMITS where nothing else is said. */
  readonly drainMs?: number
  readonly connectMs?: number
  readonly maxConnections?: number
}

/** CONNACK return codes, MQTT 3.1.1 §3.2.2.3. */
const BAD_CREDENTIALS = 4
const NOT_AUTHORISED = 5

const NO_ACCESS: AccessRules = { read: [], write: [] }

/**
 * A small MQTT 3.1.1 broker (aedes) for subscribers in the shop and for the demonstration of HQ. It
 * keeps nothing but retained messages, in memory: it is never the hop that must not lose a sale.
 */
export class LocalBroker {
  readonly #options: LocalBrokerOptions
  readonly #logger: Logger
  readonly #clients: ReadonlyMap<string, BrokerClient>
  /** Rules of each connection, from its CONNECT on. */
  readonly #rules = new WeakMap<Client, AccessRules>()
  readonly #passwords: PasswordMemory
  readonly #sockets = new Set<Socket>()
  #running: { readonly server: Server; readonly aedes: Aedes } | undefined

  constructor(options: LocalBrokerOptions) {
    this.#options = options
    this.#logger = options.logger
    this.#passwords = new PasswordMemory(options)
    this.#clients = new Map(options.clients.map(client => [client.username, client]))
  }

  /** Where it listens, or undefined while it does not. */
  get address(): { readonly host: string; readonly port: number } | undefined {
    const bound = this.#running?.server.address() ?? null
    if (bound === null || typeof bound === 'string') return undefined
    return { host: bound.address, port: bound.port }
  }

  /** @throws TillbridgeError TB_BROKER_LISTEN */
  async start(): Promise<void> {
    const aedes = await Aedes.createBroker(this.#aedesOptions())
    const server = createServer(socket => this.#accept(aedes, socket))
    server.maxConnections = this.#options.maxConnections ?? LIMITS.brokerConnections
    const { host, port } = this.#options.listen
    try {
      server.listen({ host, port })
      await once(server, 'listening')
    } catch (thrown) {
      await closeAedes(aedes)
      const message = `${host}:${port}: ${messageOf(thrown)}`
      throw new TillbridgeError('TB_BROKER_LISTEN', message, { cause: thrown })
    }
    server.on('error', error => this.#logger.error({ reason: error.message }, 'broker'))
    server.on('drop', () => this.#logger.warn('too many broker clients, one turned away'))
    this.#running = { server, aedes }
  }

  /** Disconnects everybody and gives the address back. */
  async stop(): Promise<void> {
    if (this.#running === undefined) return
    const { server, aedes } = this.#running
    this.#running = undefined
    const closed = once(server, 'close')
    server.close()
    await closeAedes(aedes)
    for (const socket of this.#sockets) socket.destroy()
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

  #accept(aedes: Aedes, socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
    socket.setNoDelay(true)
    aedes.handle(new GuardedSocket({ socket, maxPacketBytes: LIMITS.mqttPacketBytes }))
  }

  #aedesOptions(): AedesOptions {
    return {
      id: this.#options.id,
      connectTimeout: this.#options.connectMs ?? LIMITS.brokerConnectMs,
      // One subscriber that does not read stalls all others until aedes gives it up.
      drainTimeout: this.#options.drainMs ?? LIMITS.brokerDrainMs,
      preConnect: (_client, packet, done) => {
        // A session that outlives its connection would be a queue without a bound.
        packet.clean = true
        done(null, true)
      },
      authenticate: (client, username, password, done) => {
        this.#authenticate({ client, username, password: password?.toString('utf8') }).then(
          refusal => (refusal === undefined ? done(null, true) : done(refused(refusal), null)),
          thrown => {
            this.#logger.error({ reason: messageOf(thrown) }, 'a password was not checked')
            done(refused(NOT_AUTHORISED), null)
          },
        )
      },
      authorizePublish: (client, packet, done) => {
        if (client === null || mayPublish(this.#rulesOf(client), packet.topic)) return done()
        this.#logger.warn({ client: client.id, topic: packet.topic }, 'publish denied')
        done(new Error('not allowed'))
      },
      authorizeSubscribe: (client, subscription, done) => {
        const { topic } = subscription
        if (maySubscribe(this.#rulesOf(client), topic)) return done(null, subscription)
        this.#logger.warn({ client: client.id, topic }, 'subscription denied')
        // No subscription and no error: the SUBACK says 128 (MQTT 3.1.1 §3.9.3).
        done(null, null)
      },
    }
  }

  /** Finds the rules of a client, or the return code to refuse it with. */
  async #authenticate(claim: {
    readonly client: Client
    readonly username: string | undefined
    readonly password: string | undefined
  }): Promise<number | undefined> {
    const { client, username, password } = claim
    if (username === undefined) {
      if (this.#options.anonymous === undefined) return NOT_AUTHORISED
      this.#rules.set(client, this.#options.anonymous)
      return undefined
    }
    const known = this.#clients.get(username)
    const hash = known?.passwordHash ?? ''
    if (known === undefined || !(await this.#passwords.verify(password ?? '', hash))) {
      this.#logger.warn({ username }, 'broker client refused')
      return BAD_CREDENTIALS
    }
    this.#rules.set(client, known.rules)
    return undefined
  }

  #rulesOf(client: Client): AccessRules {
    return this.#rules.get(client) ?? NO_ACCESS
  }
}

function refused(returnCode: number): Error & { returnCode: number } {
  return Object.assign(new Error('refused'), { returnCode })
}

function closeAedes(aedes: Aedes): Promise<void> {
  return new Promise(resolve => aedes.close(() => resolve()))
}
