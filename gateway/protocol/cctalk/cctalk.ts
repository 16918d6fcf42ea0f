import { z } from 'zod'
import { concatBytes } from '../../core/bytes.js'
import type { Framer } from '../../line/framing/framer.js'
import type { Link } from '../../line/link/link.js'
import type {
  FieldOutline,
  MessageOutline,
  Protocol,
  ProtocolFields,
  Reading,
  ReadMessage,
} from '../protocol.js'
import {
  type AcceptorEvent,
  BUFFERED_EVENTS,
  countNew,
  type Device,
  type EventBuffer,
  type EventKind,
  readEvent,
  readEventBuffer,
} from './cctalk-events.js'
import { CctalkLink } from './cctalk-link.js'
import {
  CctalkFramer,
  type CctalkPacket,
  encodePacket,
  HOST,
  packetBytes,
  readPacket,
} from './cctalk-packet.js'

/** A coin acceptor or bill validator, and what its coins or bills are worth. */
export const cctalkSchema = z.strictObject({
  type: z.literal('cctalk'),
  device: z.enum(['coin-acceptor', 'bill-validator']),
  /** 2 for coins and 40 for bills, where nobody has changed it. */
  address: z.int().min(2).max(255),
  checksum: z.enum(['sum', 'crc']).default('sum'),
  everyMs: z.int().min(20).max(10_000).default(150),
  replyWithinMs: z.int().min(20).max(5000).default(300),
  /** ISO 4217. */
  currency: z.string().regex(/^[A-Z]{3}$/),
  /** Minor units by coin or bill type; a type that is not here is rejected. */
  values: z.record(z.string().regex(/^[1-9]\d{0,2}$/), z.int().min(1)),
})

type Options = z.output<typeof cctalkSchema>

const POLL_HEADERS: Readonly<Record<Device, number>> = {
  'coin-acceptor': 229,
  'bill-validator': 159,
}

const COUNTER: FieldOutline = { name: 'counter', type: 'integer' }
const MONEY: readonly FieldOutline[] = [
  COUNTER,
  { name: 'moneyType', type: 'integer' },
  { name: 'currency', type: 'text' },
  { name: 'amount', type: 'amount' },
]
const NAMED: readonly FieldOutline[] = [COUNTER, { name: 'event', type: 'text' }]

const MESSAGES: Readonly<Record<EventKind, string>> = {
  credit: 'credit',
  'pending-credit': 'escrow',
  status: 'status',
  reject: 'status',
  fault: 'fault',
  fraud: 'fraud',
}

/** ccTalk acceptors that the gateway polls. Source: ccTalk generic specification. */
export class Cctalk implements Protocol {
  readonly messages: readonly MessageOutline[] = [
    { name: 'credit', fields: MONEY },
    /** A bill that may still be given back. */
    { name: 'escrow', fields: MONEY },
    { name: 'status', fields: NAMED },
    { name: 'fault', fields: NAMED },
    { name: 'fraud', fields: NAMED },
    /** More events than the device remembers: what they were nobody knows. */
    { name: 'lost', fields: [COUNTER, { name: 'events', type: 'integer' }] },
    { name: 'reset', fields: [] },
  ]
  readonly link: Link<unknown>
  readonly #options: Options

  constructor(options: Options) {
    this.#options = options
    this.link = new CctalkLink({ ...options, pollHeader: POLL_HEADERS[options.device] })
  }

  createFramer(): Framer {
    return new CctalkFramer(this.#options.checksum)
  }

  /** Two answers to a poll, one behind the other, as the link delivers them. */
  read(payload: Uint8Array): Reading {
    const size = packetBytes(payload) ?? 0
    const previous = this.#buffer(payload.subarray(0, size))
    const current = this.#buffer(payload.subarray(size))
    if (previous === undefined || current === undefined)
      return { type: 'rejected', issue: 'expected two answers with events' }
    if (current.counter === 0)
      return { type: 'messages', messages: [{ name: 'reset', fields: {} }] }
    const events = countNew(previous.counter, current.counter)
    if (events > BUFFERED_EVENTS) {
      const fields = { counter: current.counter, events }
      return { type: 'messages', messages: [{ name: 'lost', fields }] }
    }
    if (!isContinued(previous, current, events))
      return { type: 'rejected', message: 'credit', issue: 'expected the events told before' }
    return this.#readNew(current, events)
  }

  /** An answer to a poll behind one that told of no event yet. */
  encode(message: string, values: Readonly<Record<string, unknown>>): Uint8Array {
    if (message !== 'credit') throw new RangeError(`nothing is written as ${message}`)
    const { moneyType } = values
    if (typeof moneyType !== 'number' || !(moneyType >= 1 && moneyType <= 255))
      throw new RangeError('moneyType: expected 1 to 255')
    const empty = Array.from({ length: 2 * BUFFERED_EVENTS }, () => 0)
    const after = [1, moneyType, ...empty.slice(1)]
    return concatBytes([this.#answer([0, ...empty]), this.#answer(after)])
  }

  #answer(data: readonly number[]): Uint8Array {
    const { address, checksum } = this.#options
    const packet: CctalkPacket = {
      destination: HOST,
      source: address,
      header: 0,
      data: Uint8Array.from(data),
    }
    return encodePacket(packet, checksum)
  }

  #buffer(packet: Uint8Array): EventBuffer | undefined {
    const isWhole = packet.length > 0 && packetBytes(packet) === packet.length
    return isWhole ? readEventBuffer(readPacket(packet, this.#options.checksum).data) : undefined
  }

  /** Oldest first; they are told the newest first. */
  #readNew({ counter, pairs }: EventBuffer, events: number): Reading {
    const messages: ReadMessage[] = []
    for (let age = events - 1; age >= 0; age--) {
      const event = readEvent(this.#options.device, pairs[age] ?? [0, 0])
      const number = ((counter - age - 1 + 255) % 255) + 1
      if (event === undefined)
        return { type: 'rejected', issue: 'event: expected one of the specification' }
      const fields = this.#fieldsOf(event, number)
      if (fields === undefined)
        return { type: 'rejected', message: MESSAGES[event.kind], issue: 'moneyType: unknown' }
      messages.push({ name: MESSAGES[event.kind], fields })
    }
    return { type: 'messages', messages }
  }

  #fieldsOf({ type, name }: AcceptorEvent, counter: number): ProtocolFields | undefined {
    if (type === undefined) return { counter, event: name }
    const { values, currency } = this.#options
    const amount = values[String(type)]
    return amount === undefined ? undefined : { counter, moneyType: type, currency, amount }
  }
}

/** Whether what both tell of is the same: a counter that was damaged must not make a credit. */
function isContinued(previous: EventBuffer, current: EventBuffer, events: number): boolean {
  return current.pairs.slice(events).every(([first, second], at) => {
    const [before, behind] = previous.pairs[at] ?? [0, 0]
    return first === before && second === behind
  })
}
