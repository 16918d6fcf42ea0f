import { concatBytes } from '../../core/bytes.js'
import type { Framer } from '../../line/framing/framer.js'
import type { Link } from '../../line/link/link.js'
import {
  type MessageOutline,
  oneMessage,
  type Protocol,
  type Reading,
  type ReadMessage,
} from '../protocol.js'
import { sealAscii, sealRtu } from './adu.js'
import { AsciiFramer } from './ascii-framer.js'
import { answers, type Block, blocksOf } from './blocks.js'
import { ModbusLink } from './modbus-link.js'
import { type Pdu, readPdu, writePdu } from './pdu.js'
import { pduBytes } from './pdu-size.js'
import { encodeQuantity, exceptionText, faultWords, readBlock } from './reading.js'
import type { ModbusOptions } from './register-schema.js'
import { RtuFramer } from './rtu-framer.js'

/** The basic objects from the first on: vendor, product, revision. */
const IDENTIFY = { type: 'identify', function: 0x2b, readCode: 1, objectId: 0 } as const

/** A question and its answer, as they went over the line. */
interface Exchange {
  readonly request: Pdu
  readonly reply: Pdu
}

/**
 * Meters, refrigeration and climate controllers on Modbus. The dialect declares the registers; the
 * messages are the same for every device. Sources: MODBUS Application Protocol V1.1b3, MODBUS over
 * Serial Line V1.02.
 */
export class Modbus implements Protocol {
  readonly messages: readonly MessageOutline[] = [
    {
      name: 'reading',
      fields: [
        { name: 'register', type: 'text' },
        { name: 'quantity', type: 'decimal', optional: true },
        { name: 'unit', type: 'text' },
        { name: 'fault', type: 'text', optional: true },
      ],
    },
    {
      name: 'exception',
      fields: [
        { name: 'function', type: 'integer' },
        { name: 'code', type: 'integer' },
        { name: 'meaning', type: 'text' },
      ],
    },
    {
      name: 'identity',
      fields: [
        { name: 'vendor', type: 'text', optional: true },
        { name: 'product', type: 'text', optional: true },
        { name: 'revision', type: 'text', optional: true },
      ],
    },
  ]
  readonly link: Link<unknown>
  readonly #options: ModbusOptions
  readonly #blocks: readonly Block[]
  readonly #seal: (message: Uint8Array) => Uint8Array

  constructor(options: ModbusOptions) {
    const { address: unit, replyWithinMs, absentAfter, absentEveryMs, identify, groups } = options
    this.#options = options
    this.#blocks = blocksOf(options)
    this.#seal = options.transmission === 'rtu' ? sealRtu : sealAscii
    const once = { pdu: IDENTIFY, everyMs: Number.POSITIVE_INFINITY, onlyChanges: false }
    const questions = this.#blocks.map(block => ({ ...block, pdu: requestOf(block) }))
    this.link = new ModbusLink({
      unit,
      questions: [...(identify ? [once] : []), ...questions],
      registers: groups.flatMap(({ registers }) => registers),
      replyWithinMs,
      absentAfter,
      absentEveryMs,
      seal: this.#seal,
    })
  }

  createFramer(): Framer {
    const { transmission, address: unit } = this.#options
    return transmission === 'rtu' ? new RtuFramer({ hears: 'replies', unit }) : new AsciiFramer()
  }

  read(payload: Uint8Array): Reading {
    const exchange = exchangeIn(payload)
    if (exchange === undefined)
      return { type: 'rejected', issue: 'expected a question with its answer' }
    const { request, reply } = exchange
    if (reply.type === 'exception') {
      const { function: code, exception } = reply
      const meaning = exceptionText(exception)
      return oneMessage('exception', { function: code, code: exception, meaning })
    }
    if (reply.type === 'identity') return oneMessage('identity', identityFields(reply))
    const block = this.#blockOf(request)
    if (block === undefined)
      return { type: 'rejected', message: 'reading', issue: 'expected registers of the dialect' }
    return { type: 'messages', messages: readBlock(block, reply) }
  }

  /** The question and its answer, as an adapter that hears itself has them. */
  encode(message: string, values: Readonly<Record<string, unknown>>): Uint8Array {
    const { request, reply } = this.#exchangeFor(message, values)
    const unit = Uint8Array.of(this.#options.address)
    const frames = [request, reply].map(pdu => this.#seal(concatBytes([unit, writePdu(pdu)])))
    return concatBytes(frames)
  }

  #exchangeFor(message: string, values: Readonly<Record<string, unknown>>): Exchange {
    if (message === 'identity') return { request: IDENTIFY, reply: identityOf(values) }
    const { register: wanted, quantity, fault, code: exception } = values
    const [first] = this.#blocks
    if (message === 'exception' && first !== undefined) {
      const { function: code } = first
      const reply = { type: 'exception', function: code, exception: Number(exception) } as const
      return { request: requestOf(first), reply }
    }
    const block = this.#blocks.find(
      ({ registers: [only, ...more] }) => only?.name === wanted && more.length === 0,
    )
    const [register] = block?.registers ?? []
    if (block === undefined || register === undefined || message !== 'reading')
      throw new RangeError('register: expected one that is asked for alone')
    const { function: code } = block
    const { type, wordOrder, scale, name } = register
    const request = requestOf(block)
    if (type === 'bit') {
      const bits = [quantity === '1', ...Array.from({ length: 7 }, () => false)]
      return { request, reply: { type: 'bits', function: code, bits } }
    }
    const registers =
      quantity === undefined
        ? faultWords(register, String(fault))
        : encodeQuantity({ type, wordOrder, scale, name }, String(quantity))
    return { request, reply: { type: 'registers', function: code, registers } }
  }

  #blockOf(request: Pdu): Block | undefined {
    if (request.type !== 'span') return undefined
    return this.#blocks.find(
      ({ function: code, address, count }) =>
        code === request.function && address === request.address && count === request.count,
    )
  }
}

function requestOf({ function: code, address, count }: Block): Pdu {
  return { type: 'span', function: code, address, count }
}

/** Address and PDU of the question, then of the answer. */
function exchangeIn(payload: Uint8Array): Exchange | undefined {
  const size = pduBytes(payload.subarray(1), 'request')
  if (typeof size !== 'number' || payload[0] !== payload[1 + size]) return undefined
  const request = readPdu(payload.subarray(1, 1 + size), 'request')
  const reply = readPdu(payload.subarray(2 + size), 'reply')
  if (!request.ok || !reply.ok || !answers(request.value, reply.value)) return undefined
  return { request: request.value, reply: reply.value }
}

function identityFields({ objects }: Extract<Pdu, { type: 'identity' }>): ReadMessage['fields'] {
  return Object.fromEntries(
    ['vendor', 'product', 'revision'].flatMap((name, id) => {
      const object = objects.find(one => one.id === id)
      return object === undefined ? [] : [[name, object.value] as const]
    }),
  )
}

function identityOf(values: Readonly<Record<string, unknown>>): Pdu {
  const objects = ['vendor', 'product', 'revision'].flatMap((name, id) =>
    values[name] === undefined ? [] : [{ id, value: String(values[name]) }],
  )
  return {
    ...IDENTIFY,
    type: 'identity',
    conformity: 1,
    moreFollows: false,
    nextObject: 0,
    objects,
  }
}
