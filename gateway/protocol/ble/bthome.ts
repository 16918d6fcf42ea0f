import { createDecipheriv } from 'node:crypto'
import { ByteReader, concatBytes, fromHex, toHex, utf8Of } from '../../core/bytes.js'
import { fail, ok, type Result } from '../../core/result.js'
import { BTHOME_BINARY, BTHOME_BUTTON, BTHOME_DIMMER, BTHOME_NUMBERS } from './bthome-objects.js'
import { rounded } from './ruuvi.js'

/** One object of a packet. Its name is numbered where the packet has several of the same. */
export interface BthomeObject {
  readonly kind: 'sensor' | 'binary' | 'event'
  readonly name: string
  readonly value: number | string | boolean
  /** How far a dimmer was turned. */
  readonly steps?: number
}

export interface BthomePacket {
  readonly objects: readonly BthomeObject[]
  /** Of an encrypted packet: it grows with each. */
  readonly counter: number | undefined
  /** Sent when something happens, and not every few seconds. */
  readonly isTriggered: boolean
}

/** What decrypts a sensor's packets: 16 bytes, and the address that it sends from. */
export interface BthomeKey {
  readonly bindKey: Uint8Array
  readonly address: string
}

/** A count of packets, and no reading. */
export const PACKET_ID = 'packet_id'
const VERSION = 2
const ENCRYPTED = 0x01
const WITH_MAC = 0x02
const TRIGGERED = 0x04
const COUNTER_BYTES = 4
const TAG_BYTES = 4
const BUTTON = 0x3a
const DIMMER = 0x3c
const TIMESTAMP = 0x50
const TEXT = 0x53
const RAW = 0x54

/** The service data of BTHome version 2 (UUID FCD2), from its info byte on. */
export function readBthome(serviceData: Uint8Array, key?: BthomeKey): Result<BthomePacket, string> {
  const [info] = serviceData
  if (info === undefined) return fail('empty')
  if (info >>> 5 !== VERSION) return fail(`version ${info >>> 5}`)
  const hasMac = (info & WITH_MAC) !== 0
  const body = serviceData.subarray(hasMac ? 7 : 1)
  const isTriggered = (info & TRIGGERED) !== 0
  if ((info & ENCRYPTED) === 0) {
    // Whoever is near could say anything in its name.
    if (key !== undefined) return fail('not encrypted, though it has a key')
    return ok({ objects: readObjects(body), counter: undefined, isTriggered })
  }
  if (key === undefined) return fail('encrypted, and no key is known')
  const address = hasMac ? serviceData.subarray(1, 7).toReversed() : macBytes(key.address)
  const plain = decrypt({ body, info, bindKey: key.bindKey, address })
  if (!plain.ok) return plain
  const counter = new ByteReader(body.subarray(-COUNTER_BYTES - TAG_BYTES)).uintLE(COUNTER_BYTES)
  return ok({ objects: readObjects(plain.value), counter, isTriggered })
}

/** AES-128-CCM over the objects; the nonce is address, UUID, info byte and counter. */
function decrypt(packet: {
  readonly body: Uint8Array
  readonly info: number
  readonly bindKey: Uint8Array
  readonly address: Uint8Array
}): Result<Uint8Array, string> {
  const { body, info, bindKey, address } = packet
  if (bindKey.length !== 16) return fail('a key of 16 bytes is wanted')
  if (body.length <= COUNTER_BYTES + TAG_BYTES) return fail('too short')
  const tagAt = body.length - TAG_BYTES
  const counterAt = tagAt - COUNTER_BYTES
  const counter = body.subarray(counterAt, tagAt)
  const nonce = concatBytes([address, Uint8Array.of(0xd2, 0xfc, info), counter])
  const options = { authTagLength: TAG_BYTES }
  const decipher = createDecipheriv('aes-128-ccm', bindKey, nonce, options)
  decipher.setAuthTag(body.subarray(tagAt))
  try {
    const plain = decipher.update(body.subarray(0, counterAt))
    decipher.final()
    return ok(new Uint8Array(plain))
  } catch {
    return fail('it does not decrypt with this key')
  }
}

/** An unknown object ends the packet, for its length is not known either; so does a short one. */
function readObjects(bytes: Uint8Array): readonly BthomeObject[] {
  const objects: BthomeObject[] = []
  const reader = new ByteReader(bytes)
  try {
    while (reader.remaining > 0) {
      const id = reader.uintBE(1)
      const object = readObject(id, reader)
      if (object === 'unknown') break
      if (object !== undefined) objects.push(object)
    }
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown
  }
  return numbered(objects)
}

function readObject(id: number, reader: ByteReader): BthomeObject | 'unknown' | undefined {
  const number = BTHOME_NUMBERS[id]
  if (number !== undefined) {
    const { name, bytes, signed, factor, decimals } = number
    const unsigned = reader.uintLE(bytes)
    const isNegative = signed && unsigned >= 2 ** (8 * bytes - 1)
    const value = isNegative ? unsigned - 2 ** (8 * bytes) : unsigned
    return { kind: 'sensor', name, value: rounded(value * factor, decimals) }
  }
  const binary = BTHOME_BINARY[id]
  if (binary !== undefined) return { kind: 'binary', name: binary, value: reader.uintBE(1) !== 0 }
  switch (id) {
    case BUTTON:
      return happened('button', BTHOME_BUTTON[reader.uintBE(1)])
    case DIMMER: {
      const turned = happened('dimmer', BTHOME_DIMMER[reader.uintBE(1)])
      const steps = reader.uintBE(1)
      return { ...turned, steps: steps >= 0x80 ? steps - 0x100 : steps }
    }
    case TIMESTAMP: {
      const time = new Date(reader.uintLE(4) * 1000).toISOString()
      return { kind: 'sensor', name: 'timestamp', value: time.replace('.000Z', '+00:00') }
    }
    case TEXT:
      return textOf('text', utf8Of(reader.take(reader.uintBE(1))) ?? '')
    case RAW:
      return textOf('raw', toHex(reader.take(reader.uintBE(1))))
    default:
      return 'unknown'
  }
}

/** Nothing happened to the first of two buttons: it is counted, and not told. */
const NOTHING = ''

function happened(name: string, value = NOTHING): BthomeObject {
  return { kind: 'event', name, value }
}

function textOf(name: string, value: string): BthomeObject | undefined {
  return value === '' ? undefined : { kind: 'sensor', name, value }
}

function numbered(objects: readonly BthomeObject[]): readonly BthomeObject[] {
  const seen = new Map<string, number>()
  const same = (one: BthomeObject) => (other: BthomeObject) =>
    other.kind === one.kind && other.name === one.name
  const named = objects.map(object => {
    if (objects.filter(same(object)).length < 2) return object
    const key = `${object.kind} ${object.name}`
    const count = (seen.get(key) ?? 0) + 1
    seen.set(key, count)
    return { ...object, name: `${object.name}_${count}` }
  })
  return named.filter(({ value }) => value !== NOTHING)
}

function macBytes(address: string): Uint8Array {
  return fromHex(address.replaceAll(/[:-]/g, ''))
}

/**
 * Whether a counter is a new one: equal or lower is a replay, but for a low one behind a high one.
 * A sensor starts over behind the highest, and when its battery was changed.
 */
export function isNewCounter(last: number | undefined, counter: number): boolean {
  if (last === undefined || counter > last) return true
  return counter < STARTED_OVER && last >= STARTED_OVER
}

const STARTED_OVER = 100

/** What tells a packet that was heard before from a new one. */
export interface BthomeHeard {
  readonly counter?: number
  readonly packet?: { readonly id: number; readonly atMs: number }
}

/** What to remember of a packet that is new; undefined for a repeat or a replay. */
export function heardAnew(
  last: BthomeHeard,
  { packet, atMs }: { readonly packet: BthomePacket; readonly atMs: number },
): BthomeHeard | undefined {
  const { counter, objects } = packet
  if (counter !== undefined && !isNewCounter(last.counter, counter)) return undefined
  const id = objects.find(({ name }) => name === PACKET_ID)?.value
  const known = counter === undefined ? {} : { counter }
  if (typeof id !== 'number') return known
  const heard = { id, atMs }
  return isNewPacket(last.packet, heard) ? { ...known, packet: heard } : undefined
}

/**
 * Each event is advertised several times: a packet is new up to 63 ahead of the last one, or when
 * the sensor was not heard for so long that it may have started over.
 */
export function isNewPacket(
  last: { readonly id: number; readonly atMs: number } | undefined,
  packet: { readonly id: number; readonly atMs: number },
): boolean {
  if (last === undefined || packet.atMs - last.atMs > NOT_HEARD_MS) return true
  const ahead = (packet.id - last.id + 256) % 256
  return ahead >= 1 && ahead < 64
}

const NOT_HEARD_MS = 4000
