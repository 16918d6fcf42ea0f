import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { type IClientOptions, type IPublishPacket, MqttClient } from 'mqtt'
import type { Clock } from '../core/clock.js'
import { messageOf, TillbridgeError } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import { PacketMeter } from '../core/packet-meter.js'
import { fail, ok, type Result } from '../core/result.js'
import type { Delivery, MqttMessage } from './connection.js'
import {
  type ConnectFailure,
  closedError,
  failureOfSocket,
  farewellOf,
  refusedByBroker,
} from './failure.js'
import { Window } from './window.js'

/** PEM texts. Without `ca` the system's authorities count. */
export interface MqttTls {
  readonly ca?: string | Buffer
  readonly cert?: string | Buffer
  readonly key?: string | Buffer
  /** The name the broker's certificate must carry, where it is not the host name. */
  readonly serverName?: string
}

/** Where the broker is and as whom to speak to it. */
export interface MqttAddress {
  readonly host: string
  readonly port: number
  /** Looked at anew for each connection, so that a renewed certificate is used by the next. */
  readonly tls?: MqttTls | undefined
  readonly clientId: string
  readonly username?: string
  readonly password?: string
  /** Published by the broker when the connection ends without a farewell. */
  readonly will?: MqttMessage
}

/** How long to be patient; LIMITS where nothing else is said. */
export interface MqttPatience {
  readonly connectMs: number
  readonly pubackMs: number
  readonly keepaliveSeconds: number
}

type Protocol = '5' | '3.1.1'

interface SessionOptions {
  readonly address: MqttAddress
  readonly protocol: Protocol
  readonly patience: MqttPatience
  readonly clock: Clock
  /** Resolves when the delivery may be acknowledged; never rejects. */
  readonly deliver: (delivery: Delivery) => Promise<void>
}

/**
 * One network connection and the mqtt.js client on it, used once: mqtt.js can latch while it
 * reconnects and forget callbacks when it ends, so it may do neither. Every promise here settles.
 */
export class MqttSession {
  /** Resolves once, when the connection is over, with the reason. */
  readonly closed: Promise<ConnectFailure>
  readonly #options: SessionOptions
  readonly #socket: Socket
  readonly #client: MqttClient
  /** Publishes without an answer yet, each by the function that settles it. */
  readonly #unanswered = new Set<(error?: TillbridgeError) => void>()
  #window: Window | undefined
  #packetBytes: number = LIMITS.mqttPacketBytes
  #failure: ConnectFailure | undefined
  #isOver = false
  #close: (failure: ConnectFailure) => void = () => undefined
  #answered: () => void = () => undefined

  constructor(options: SessionOptions & { readonly socket: Socket }) {
    this.#options = options
    this.#socket = options.socket
    this.closed = new Promise(resolve => {
      this.#close = resolve
    })
    this.#meter()
    this.#client = new MqttClient(() => options.socket, clientOptions(options))
    this.#client.handleMessage = (packet, done) => {
      options.deliver(deliveryOf(packet)).then(() => done(), done)
    }
    this.#watch()
  }

  get window(): number {
    return this.#window?.size ?? 0
  }

  get packetBytes(): number {
    return this.#packetBytes
  }

  /** Waits for the CONNACK. */
  async connected(): Promise<Result<void, ConnectFailure>> {
    const cancel = this.#dropAfter(this.#options.patience.connectMs, 'no answer to CONNECT')
    const accepted = new Promise<Result<void, ConnectFailure>>(resolve =>
      this.#client.once('connect', connack => {
        // mqtt.js keeps neither to the server's Receive Maximum (MQTT 5 §4.9) nor to its Maximum
        // Packet Size (§3.2.2.3.6).
        const { receiveMaximum = 65_535, maximumPacketSize = Infinity } = connack.properties ?? {}
        this.#window = new Window(Math.min(LIMITS.mqttInFlight, receiveMaximum))
        this.#packetBytes = Math.min(LIMITS.mqttPacketBytes, maximumPacketSize)
        resolve(ok(undefined))
      }),
    )
    const answer = await Promise.race([accepted, this.closed.then(fail)])
    cancel()
    return answer
  }

  /** The filters that the broker refused; fails where it does not answer. */
  async subscribe(filters: readonly string[]): Promise<Result<readonly string[], ConnectFailure>> {
    if (filters.length === 0) return ok([])
    const cancel = this.#dropAfter(this.#options.patience.connectMs, 'no answer to SUBSCRIBE')
    const answered = new Promise<Result<readonly string[], ConnectFailure>>(resolve =>
      this.#client.subscribe([...filters], { qos: 1 }, (error, _requested, suback) => {
        const refused = filters.filter((_, index) => Number(suback?.granted[index] ?? 0) >= 128)
        // mqtt.js calls a refused filter an error, too.
        if (error === null || refused.length > 0) resolve(ok(refused))
        else resolve(fail(this.#lost(messageOf(error))))
      }),
    )
    const answer = await Promise.race([answered, this.closed.then(fail)])
    cancel()
    return answer
  }

  unsubscribe(filter: string): void {
    if (!this.#isOver) this.#client.unsubscribe(filter)
  }

  /** As `MqttConnection.publish`. */
  async publish(message: MqttMessage): Promise<void> {
    if (this.#window === undefined) throw closedError('not connected')
    const size = publishBytes(message)
    if (size > this.#packetBytes)
      throw new TillbridgeError(
        'TB_MQTT_TOO_LARGE',
        `${message.topic}: ${size} bytes, the broker takes ${this.#packetBytes}`,
      )
    const release = await this.#window.acquire()
    try {
      await this.#send(message)
    } finally {
      release()
    }
  }

  /** Lets what is in flight be answered, says DISCONNECT, and is over after `timeoutMs` at most. */
  async end(timeoutMs: number): Promise<void> {
    const stopped: ConnectFailure = { code: 'TB_MQTT_CLOSED', reason: 'stopped' }
    const cancel = this.#options.clock.after(timeoutMs, () => this.drop(stopped))
    this.#window?.close(closedError('stopping'))
    this.#failure ??= stopped
    const answered = new Promise<void>(resolve => {
      this.#answered = resolve
    })
    if (this.#unanswered.size > 0) await Promise.race([answered, this.closed])
    if (!this.#isOver) this.#client.end()
    await this.closed
    cancel()
  }

  /** Ends the connection now. */
  drop(failure: ConnectFailure): void {
    this.#failure ??= failure
    // end(true) does nothing after end(false), which may wait for ever: we close the socket.
    this.#client.end(true)
    this.#socket.destroy()
    this.#finish()
  }

  #send(message: MqttMessage): Promise<void> {
    // It may have ended between the place in the window and here; nobody would settle this then.
    if (this.#isOver) return Promise.reject(closedError('not connected'))
    return new Promise((resolve, reject) => {
      const cancel = this.#dropAfter(this.#options.patience.pubackMs, 'no answer to PUBLISH')
      const settle = (error?: TillbridgeError): void => {
        cancel()
        this.#unanswered.delete(settle)
        if (this.#unanswered.size === 0) this.#answered()
        if (error === undefined) resolve()
        else reject(error)
      }
      this.#unanswered.add(settle)
      const { topic, payload, retain = false, correlation } = message
      const properties =
        correlation === undefined || this.#options.protocol !== '5'
          ? {}
          : { properties: { correlationData: Buffer.from(correlation) } }
      this.#client.publish(topic, Buffer.from(payload), { qos: 1, retain, ...properties }, error =>
        settle(error ? publishError(error, topic) : undefined),
      )
    })
  }

  /** mqtt.js looks at the size of a packet when it holds all of it: we look at its header. */
  #meter(): void {
    const meter = new PacketMeter(LIMITS.mqttPacketBytes)
    this.#socket.on('data', chunk => {
      const verdict = meter.push(chunk)
      if (verdict !== 'ok') this.drop(this.#lost(`the broker sent a packet that is ${verdict}`))
    })
  }

  #watch(): void {
    this.#client.on('error', error => {
      const code = 'code' in error ? error.code : undefined
      this.#failure ??=
        typeof code === 'number'
          ? refusedByBroker(code)
          : failureOfSocket(error, this.#options.clock)
    })
    this.#client.on('disconnect', packet => {
      this.#failure ??= farewellOf(packet.reasonCode ?? 0)
    })
    this.#socket.on('error', error => {
      this.#failure ??= failureOfSocket(error, this.#options.clock)
    })
    this.#socket.on('close', () => this.#finish())
  }

  #dropAfter(ms: number, reason: string): () => void {
    return this.#options.clock.after(ms, () => this.drop(this.#lost(`${reason} in ${ms} ms`)))
  }

  #lost(reason: string): ConnectFailure {
    return { code: 'TB_MQTT_UNREACHABLE', reason }
  }

  #finish(): void {
    if (this.#isOver) return
    this.#isOver = true
    const failure = this.#failure ?? this.#lost('the broker closed the connection')
    this.#window?.close(closedError(failure.reason))
    // mqtt.js forgets the callbacks of what was in flight; nobody may wait for them.
    for (const settle of [...this.#unanswered]) settle(closedError(failure.reason))
    this.#close(failure)
  }
}

/** Connects and waits for the CONNACK; an aborted signal ends the attempt. */
export async function openSession(
  options: SessionOptions & { readonly signal: AbortSignal },
): Promise<Result<MqttSession, ConnectFailure>> {
  const session = new MqttSession({ ...options, socket: openSocket(options.address) })
  const abort = (): void => session.drop({ code: 'TB_MQTT_CLOSED', reason: 'stopped' })
  options.signal.addEventListener('abort', abort)
  const connected = await session.connected()
  options.signal.removeEventListener('abort', abort)
  return connected.ok ? ok(session) : connected
}

function openSocket({ host, port, tls }: MqttAddress): Socket {
  const noDelay = true
  if (tls === undefined) return connectTcp({ host, port, noDelay })
  const { serverName = host, ca, cert, key } = tls
  const servername = isIP(serverName) === 0 ? { servername: serverName } : {}
  return connectTls({
    host,
    port,
    ...servername,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  }).setNoDelay(noDelay)
}

function clientOptions({ address, protocol, patience }: SessionOptions): IClientOptions {
  const { clientId, username, password, will } = address
  return {
    clientId,
    clean: true,
    reconnectPeriod: 0,
    resubscribe: false,
    keepalive: patience.keepaliveSeconds,
    protocolVersion: protocol === '5' ? 5 : 4,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(will === undefined
      ? {}
      : {
          will: {
            topic: will.topic,
            payload: Buffer.from(will.payload),
            qos: 1,
            retain: will.retain ?? false,
          },
        }),
    ...(protocol === '5'
      ? {
          properties: {
            maximumPacketSize: LIMITS.mqttPacketBytes,
            receiveMaximum: LIMITS.mqttInFlight,
          },
        }
      : {}),
  }
}

function deliveryOf({ topic, payload, retain, properties }: IPublishPacket): Delivery {
  const { responseTopic, correlationData } = properties ?? {}
  return {
    topic,
    payload: Buffer.from(payload),
    retained: retain,
    ...(responseTopic === undefined
      ? {}
      : {
          reply: {
            topic: responseTopic,
            ...(correlationData === undefined ? {} : { correlation: correlationData }),
          },
        }),
  }
}

/** A PUBLISH packet as a whole (MQTT 5 §3.3), with the longest header it may have. */
function publishBytes({ topic, payload, correlation }: MqttMessage): number {
  // The one property that may be there: its name and length, behind the length of all of them.
  const properties = correlation === undefined ? 1 : 4 + 3 + correlation.length
  const [header, topicLength, packetId] = [5, 2, 2]
  const overhead = header + topicLength + packetId + properties
  return overhead + Buffer.byteLength(topic) + Buffer.byteLength(payload)
}

function publishError(error: Error, topic: string): TillbridgeError {
  const code = 'code' in error && typeof error.code === 'number' ? error.code : 0
  return code >= 128
    ? new TillbridgeError('TB_MQTT_DENIED', `${topic}: refused with code ${code}`)
    : closedError(messageOf(error))
}
