import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { until } from './until.js'

/** What the broker said: the packet's type (MQTT 3.1.1 §2.2.1), and what stands behind its header. */
interface Heard {
  readonly type: number
  readonly body: Buffer
}

const CONNACK = 2
const PUBLISH = 3
const PUBACK = 4
const PUBREC = 5
const PUBCOMP = 7
const SUBACK = 9

export interface TillIntroduction {
  readonly clientId?: string
  readonly username?: string
  readonly password?: string
  readonly isClean?: boolean
  readonly will?: { readonly topic: string; readonly payload: string }
}

/** A client of a broker that sends what it is told, byte for byte, and forgets nothing it heard. */
export class MqttTill {
  readonly heard: Heard[] = []
  isClosed = false
  onAcknowledged: (id: number) => void = () => undefined
  readonly #stream: Duplex
  #rest: Buffer = Buffer.alloc(0)

  constructor(stream: Duplex) {
    this.#stream = stream
    stream.on('data', (chunk: Buffer) => this.#hear(chunk))
    stream.on('error', () => undefined)
    stream.on('close', () => {
      this.isClosed = true
    })
  }

  static async over(port: number, localAddress = '127.0.0.1'): Promise<MqttTill> {
    const socket: Socket = connect({ port, host: '127.0.0.1', localAddress })
    const till = new MqttTill(socket)
    await once(socket, 'connect')
    return till
  }

  /** Connected, its credentials accepted. */
  static async at(port: number, introduction: TillIntroduction): Promise<MqttTill> {
    const till = await MqttTill.over(port)
    const code = await till.introduce(introduction)
    if (code !== 0) throw new Error(`CONNACK ${code}`)
    return till
  }

  /** The return code of the CONNACK; undefined where the connection was closed without one. */
  async introduce(introduction: TillIntroduction): Promise<number | undefined> {
    const { clientId = 'till', username, password, isClean = true, will } = introduction
    const flags =
      (username === undefined ? 0 : 0x80) |
      (password === undefined ? 0 : 0x40) |
      (will === undefined ? 0 : 0x0c) |
      (isClean ? 2 : 0)
    this.send(0x10, [
      ...[text('MQTT'), Buffer.of(4, flags, 0, 60), text(clientId)],
      ...(will === undefined ? [] : [text(will.topic), text(will.payload)]),
      ...(username === undefined ? [] : [text(username)]),
      ...(password === undefined ? [] : [text(password)]),
    ])
    await until('it is answered', () => this.isClosed || this.#all(CONNACK).length > 0)
    return this.#all(CONNACK)[0]?.[1]
  }

  publish(message: {
    readonly topic: string
    readonly payload: string | Uint8Array
    readonly qos?: 0 | 1 | 2
    readonly id?: number
    readonly isRepeat?: boolean
    readonly retain?: boolean
  }): void {
    const { topic, payload, qos = 1, id = 1, isRepeat = false, retain = false } = message
    this.send(0x30 | (isRepeat ? 8 : 0) | (qos << 1) | (retain ? 1 : 0), [
      text(topic),
      ...(qos === 0 ? [] : [number(id)]),
      Buffer.from(payload),
    ])
  }

  /** The codes of the SUBACK: 128 refuses. */
  async subscribe(...filters: readonly string[]): Promise<readonly number[]> {
    const before = this.#all(SUBACK).length
    this.send(0x82, [number(1), ...filters.flatMap(filter => [text(filter), Buffer.of(0)])])
    await until('SUBACK', () => this.#all(SUBACK).length > before)
    return [...(this.#all(SUBACK)[before]?.subarray(2) ?? [])]
  }

  release(id: number): void {
    this.send(0x62, [number(id)])
  }

  /** Ids in the order in which they were acknowledged. */
  get acknowledged(): readonly number[] {
    return this.#ids(PUBACK)
  }

  get received(): readonly number[] {
    return this.#ids(PUBREC)
  }

  get completed(): readonly number[] {
    return this.#ids(PUBCOMP)
  }

  /** Topics of what it was told. */
  get told(): readonly string[] {
    return this.#all(PUBLISH).map(body => body.subarray(2, 2 + body.readUInt16BE(0)).toString())
  }

  send(head: number, parts: readonly Uint8Array[]): void {
    const body = Buffer.concat(parts)
    this.#stream.write(Buffer.concat([Buffer.of(head), lengthOf(body.length), body]))
  }

  /** It reads no more. */
  pause(): void {
    this.#stream.pause()
  }

  resume(): void {
    this.#stream.resume()
  }

  close(): void {
    this.#stream.destroy()
  }

  #all(type: number): readonly Buffer[] {
    return this.heard.filter(packet => packet.type === type).map(({ body }) => body)
  }

  #ids(type: number): readonly number[] {
    return this.#all(type).map(body => body.readUInt16BE(0))
  }

  #hear(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk])
    for (;;) {
      const packet = firstPacket(this.#rest)
      if (packet === undefined) return
      this.heard.push(packet)
      if (packet.type === PUBACK) this.onAcknowledged(packet.body.readUInt16BE(0))
      this.#rest = this.#rest.subarray(packet.size)
    }
  }
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([number(bytes.length), bytes])
}

function number(value: number): Buffer {
  return Buffer.of(value >> 8, value & 0xff)
}

function lengthOf(size: number): Buffer {
  const bytes: number[] = []
  let left = size
  do {
    bytes.push((left % 128) | (left >= 128 ? 0x80 : 0))
    left = Math.floor(left / 128)
  } while (left > 0)
  return Buffer.from(bytes)
}

function firstPacket(bytes: Buffer): (Heard & { readonly size: number }) | undefined {
  let [length, at] = [0, 1]
  for (let factor = 1; ; factor *= 128) {
    const byte = bytes[at]
    if (byte === undefined) return undefined
    length += (byte & 0x7f) * factor
    at += 1
    if (byte < 0x80) break
  }
  const size = at + length
  if (bytes.length < size) return undefined
  return { type: (bytes[0] ?? 0) >> 4, body: bytes.subarray(at, size), size }
}
