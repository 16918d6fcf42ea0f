import { z } from 'zod'
import { currencyOfNumber, numberOfCurrency } from '../../codec/currency-number.js'
import { concatBytes, fromHex } from '../../core/bytes.js'
import { currencyPlaces } from '../../core/money.js'
import type { Framer } from '../../line/framing/framer.js'
import {
  type MessageOutline,
  oneMessage,
  type Protocol,
  type ProtocolFields,
  type Reading,
} from '../protocol.js'
import { type MdbFields, type MdbMessage, readCommand } from './mdb-command.js'
import { encodeMdb, readMdbPayload } from './mdb-frame.js'
import { MdbFramer } from './mdb-framer.js'
import { mdbLink } from './mdb-link.js'
import { readResponse } from './mdb-response.js'

/** What amounts mean where the reader's own configuration was not heard, or names a country. */
export const mdbSchema = z.strictObject({
  type: z.literal('mdb'),
  /** ISO 4217; a reader that names another one is rejected. */
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/)
    .exactOptional(),
  scaleFactor: z.int().min(1).max(255).exactOptional(),
  decimals: z.int().min(0).max(4).exactOptional(),
})

type Options = z.output<typeof mdbSchema>
type Values = Readonly<Record<string, unknown>>

const SOLD: MessageOutline['fields'] = [
  /** The number of the item, or `unknown`. */
  { name: 'selection', type: 'text' },
  { name: 'currency', type: 'text' },
  { name: 'amount', type: 'amount' },
]
const UNKNOWN = 0xffff
const UNKNOWN_32_BIT = 0xffff_ffff

/** An MDB bus that is listened to: what was vended, and for how much. Source: NAMA, MDB/ICP 4.3. */
export class Mdb implements Protocol {
  readonly messages: readonly MessageOutline[] = [
    /** Vended against a cashless reader, which took `amount`. */
    { name: 'vend', fields: SOLD },
    { name: 'vend-failed', fields: SOLD },
    /** Vended for cash, as the controller tells the reader. */
    { name: 'cash-sale', fields: SOLD },
  ]
  readonly link = mdbLink
  readonly #options: Options

  constructor(options: Options) {
    this.#options = options
  }

  createFramer(): Framer {
    return new MdbFramer()
  }

  read(payload: Uint8Array): Reading {
    const heard = dialogue(payload)
    const ending = heard.at(-1)
    const name = ending && NAMES[ending.name]
    if (ending === undefined || name === undefined)
      return { type: 'rejected', issue: 'expected the end of a vend' }
    try {
      return oneMessage(name, this.#sold(heard, ending))
    } catch (thrown) {
      if (!(thrown instanceof RangeError)) throw thrown
      return { type: 'rejected', message: name, issue: thrown.message }
    }
  }

  /** The dialogue on the bus, from the reader's configuration on. */
  encode(message: string, values: Values): Uint8Array {
    const ending = Object.entries(NAMES).find(([, name]) => name === message)?.[0]
    if (ending === undefined)
      throw new RangeError(`no message ${message}; there are ${Object.values(NAMES).join(', ')}`)
    const { currency, amount, selection } = values
    const number = numberOfCurrency(String(currency))
    if (number === undefined) throw new RangeError('currency: expected one with a number')
    const price = word('amount', amount)
    const item = word('selection', selection)
    const places = currencyPlaces(String(currency))
    const config = [0x01, 0x01, ...fromHex(number), 0x01, places, 0x05, 0x01]
    const setup = [
      encodeMdb('vmc', fromHex('110001000000')),
      encodeMdb('peripheral', Uint8Array.from(config)),
    ]
    if (message === 'cash-sale')
      return concatBytes([...setup, encodeMdb('vmc', Uint8Array.of(0x13, 0x05, ...price, ...item))])
    const last = message === 'vend' ? [0x13, 0x02, ...item] : [0x13, 0x03]
    return concatBytes([
      ...setup,
      encodeMdb('vmc', Uint8Array.of(0x13, 0x00, ...price, ...item)),
      encodeMdb('peripheral', Uint8Array.of(0x05, ...price)),
      encodeMdb('vmc', Uint8Array.from(last)),
    ])
  }

  #sold(heard: readonly MdbMessage[], ending: MdbMessage): ProtocolFields {
    const { currency, scale } = this.#money(fieldsOf(heard, 'reader-config'))
    const asked = ending.name === 'cash-sale' ? ending.fields : fieldsOf(heard, 'vend-request')
    if (asked === undefined) throw new RangeError('expected the request before it')
    const { item, price } = asked
    const { item: vended = UNKNOWN } = ending.fields
    if (vended !== UNKNOWN && vended !== item)
      throw new RangeError('item: expected the one that was requested')
    const { amount: approved } = fieldsOf(heard, 'vend-approved') ?? {}
    const raw = ending.name === 'cash-sale' ? price : approved
    if (raw === undefined) throw new RangeError('expected the approval before it')
    if (typeof raw !== 'number' || raw === UNKNOWN || raw === UNKNOWN_32_BIT)
      throw new RangeError('amount: expected one that is known')
    const amount = scale(raw)
    const selection = item === UNKNOWN ? 'unknown' : String(item)
    return { selection, currency, amount }
  }

  #money(config: MdbFields | undefined): {
    readonly currency: string
    readonly scale: (raw: number) => number
  } {
    const options = this.#options
    const { country, scaleFactor = options.scaleFactor, decimals = options.decimals } = config ?? {}
    const own = typeof country === 'string' ? currencyOfNumber(country) : undefined
    const currency = own ?? options.currency
    if (currency === undefined) throw new RangeError('currency: expected the reader’s or profile’s')
    if (options.currency !== undefined && currency !== options.currency)
      throw new RangeError('currency: expected the one of the profile')
    if (typeof scaleFactor !== 'number' || typeof decimals !== 'number')
      throw new RangeError('scale: expected the reader’s configuration, or the profile’s')
    const shift = currencyPlaces(currency) - decimals
    const scale = (raw: number): number => {
      const minor =
        shift >= 0 ? raw * scaleFactor * 10 ** shift : (raw * scaleFactor) / 10 ** -shift
      if (Number.isSafeInteger(minor)) return minor
      throw new RangeError(`amount: expected one that ${currency} can express`)
    }
    return { currency, scale }
  }
}

/** The commands that end a vend, and what they are called here. */
const NAMES: Readonly<Record<string, string>> = {
  'vend-success': 'vend',
  'vend-failure': 'vend-failed',
  'cash-sale': 'cash-sale',
}

/** The messages that the link put together, each behind its length; none where it is no such. */
function dialogue(joined: Uint8Array): readonly MdbMessage[] {
  const messages: MdbMessage[] = []
  for (let at = 0; at < joined.length; ) {
    const length = joined[at] ?? 0
    const payload = joined.subarray(at + 1, at + 1 + length)
    const said = payload.length === length ? readMdbPayload(payload) : undefined
    if (said === undefined) return []
    const message =
      said.speaker === 'vmc' ? readCommand(said.data) : readResponse('cashless', said.data)
    if (message === undefined) return []
    messages.push(message)
    at += 1 + length
  }
  return messages
}

function fieldsOf(heard: readonly MdbMessage[], name: string): MdbFields | undefined {
  return heard.find(message => message.name === name)?.fields
}

/** Two bytes, high one first. */
function word(name: string, value: unknown): readonly [number, number] {
  const number = Number(value)
  if (!Number.isInteger(number) || number < 0 || number > 0xffff)
    throw new RangeError(`${name}: expected a number up to ${0xffff}`)
  return [number >> 8, number & 0xff]
}
