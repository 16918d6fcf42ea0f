import { z } from 'zod'
import { concatBytes } from '../../core/bytes.js'
import { fail, ok, type Result } from '../../core/result.js'
import { createFramer, encodeFrame, framingSchema } from '../../line/framing/catalog.js'
import type { Framer } from '../../line/framing/framer.js'
import type { Link } from '../../line/link/link.js'
import { unsolicitedLink } from '../../line/link/unsolicited.js'
import type { MessageOutline, Protocol, Reading } from '../protocol.js'
import {
  currencyOption,
  given,
  minorUnits,
  paymentMessages,
  paymentReading,
  unwritten,
} from './payment-messages.js'
import { readVendotekTlv, writeVendotekTlv } from './vendotek-tlv.js'

/** Vendotek VTK. Source: Zzzzipper/projects (MIT). */
export const vendotekSchema = z.strictObject({
  type: z.literal('vendotek'),
  currency: currencyOption('RUB'),
})

type Options = z.output<typeof vendotekSchema>

const FRAMING = framingSchema.parse({
  type: 'length-prefixed',
  start: '1f',
  lengthBytes: 2,
  checksum: 'CRC-16/IBM-3740',
  checksumFrom: 'start',
  maxFrameBytes: 1024,
})

export const VENDOTEK_TAG = {
  message: 0x01,
  operationNumber: 0x03,
  amount: 0x04,
  keepaliveInterval: 0x05,
  operationTimeout: 0x06,
  eventName: 0x07,
  eventNumber: 0x08,
  productId: 0x09,
  qrCode: 0x0a,
  destination: 0x0b,
  outgoingBytes: 0x0c,
  productName: 0x0f,
  localTime: 0x11,
  systemInformation: 0x12,
  displayTime: 0x14,
} as const

/** Who speaks: the machine (the till) or the terminal. */
const FROM_MACHINE = 0x96fb
const FROM_TERMINAL = 0x97fb
const DISCRIMINATOR_BYTES = 2
/** Requests to pay, and what was dispensed for it. */
const REQUEST = 'VRP'
const FINAL = 'FIN'

export interface VendotekMessage {
  readonly discriminator: number
  readonly name: string
  readonly fields: ReadonlyMap<number, Uint8Array>
}

export function readVendotek(payload: Uint8Array): Result<VendotekMessage, string> {
  const discriminator = 256 * (payload[0] ?? 0) + (payload[1] ?? 0)
  if (discriminator !== FROM_MACHINE && discriminator !== FROM_TERMINAL)
    return fail('expected 96fb or 97fb')
  const fields = readVendotekTlv(payload.subarray(DISCRIMINATOR_BYTES))
  if (!fields.ok) return fields
  const name = vendotekText(fields.value, VENDOTEK_TAG.message) ?? ''
  if (!/^[A-Z]{3}$/.test(name)) return fail('expected the name of a message')
  return ok({ discriminator, name, fields: fields.value })
}

export function vendotekText(
  fields: ReadonlyMap<number, Uint8Array>,
  tag: number,
): string | undefined {
  const value = fields.get(tag)
  return value === undefined ? undefined : Buffer.from(value).toString('latin1')
}

export class Vendotek implements Protocol {
  readonly messages: readonly MessageOutline[] = paymentMessages([])
  readonly link: Link<unknown> = unsolicitedLink
  readonly #currency: string

  constructor({ currency }: Options) {
    this.#currency = currency
  }

  createFramer(): Framer {
    return createFramer(FRAMING)
  }

  read(payload: Uint8Array): Reading {
    const message = readVendotek(payload)
    if (!message.ok) return { type: 'rejected', issue: message.error }
    const { discriminator, name, fields } = message.value
    if (name !== REQUEST && name !== FINAL) return paymentReading('other', { text: name })
    const amount = minorUnits(vendotekText(fields, VENDOTEK_TAG.amount))
    const paid = {
      amount,
      currency: this.#currency,
      traceNumber: vendotekText(fields, VENDOTEK_TAG.operationNumber),
    }
    if (discriminator === FROM_MACHINE) return paymentReading('requested', paid)
    // What was authorised is paid only once the terminal confirms that the goods came out.
    if (name === FINAL) return paymentReading(amount === 0 ? 'other' : 'approved', paid)
    const isAuthorised = amount !== undefined && amount > 0
    return paymentReading(isAuthorised ? 'progress' : 'declined', paid)
  }

  encode(message: string, values: Readonly<Record<string, unknown>>): Uint8Array {
    const amount = (): string => given(values, 'amount')
    switch (message) {
      case 'approved':
        return frameOf(FROM_TERMINAL, FINAL, { ...values, amount: amount() })
      case 'declined':
        return frameOf(FROM_TERMINAL, REQUEST, { ...values, amount: '0' })
      case 'requested':
        return frameOf(FROM_MACHINE, REQUEST, { ...values, amount: amount() })
      default:
        return unwritten(message, ['approved', 'declined', 'requested'])
    }
  }
}

function frameOf(
  discriminator: number,
  name: string,
  values: Readonly<Record<string, unknown>>,
): Uint8Array {
  const fields = writeVendotekTlv([
    [VENDOTEK_TAG.message, name],
    [VENDOTEK_TAG.operationNumber, given(values, 'traceNumber')],
    [VENDOTEK_TAG.amount, given(values, 'amount')],
  ])
  const head = Uint8Array.of(discriminator >>> 8, discriminator & 0xff)
  return encodeFrame(FRAMING, concatBytes([head, fields]))
}
