import { z } from 'zod'
import { ByteReader, concatBytes } from '../../core/bytes.js'
import { ControlFramer } from '../../line/framing/control-framer.js'
import type { Framer } from '../../line/framing/framer.js'
import { BlocksLink } from '../../line/link/blocks.js'
import type { Link } from '../../line/link/link.js'
import type { MessageOutline, Protocol, Reading } from '../protocol.js'
import { given, paymentMessages, paymentReading, unwritten } from './payment-messages.js'
import { encodeUposFrame, UPOS_DATA_BYTES, UposFramer } from './upos-framer.js'
import { joinUpos, readUpos, readUposResult, UPOS_COMMAND, wholeUpos } from './upos-message.js'

/** Sberbank UPOS as PAX terminals speak it. Source: Zzzzipper/projects (MIT). */
export const uposSchema = z.strictObject({ type: z.literal('upos') })

const ANSWERS = { more: '06', last: '04', nak: '15' }
const CONTROLS = Uint8Array.of(0x04, 0x06, 0x07, 0x15)
const PAYMENT = 0x01
const REVERSAL = 0x0d

export class Upos implements Protocol {
  readonly messages: readonly MessageOutline[] = paymentMessages([])
  readonly link: Link<unknown> = new BlocksLink({ answers: ANSWERS, join: joinUpos })

  createFramer(): Framer {
    return new ControlFramer({ inner: new UposFramer(), controls: CONTROLS })
  }

  read(payload: Uint8Array): Reading {
    const whole = wholeUpos(payload)
    if (!whole.ok) return { type: 'rejected', issue: whole.error }
    const message = readUpos(whole.value)
    if (!message.ok) return { type: 'rejected', issue: message.error }
    const { command, body } = message.value
    switch (command) {
      case UPOS_COMMAND.poll:
      case UPOS_COMMAND.call:
        return paymentReading('progress', {})
      case UPOS_COMMAND.transaction:
        return readRequest(body)
      case UPOS_COMMAND.answer:
        return readAnswer(body)
      default:
        return paymentReading('other', {})
    }
  }

  encode(message: string, values: Readonly<Record<string, unknown>>): Uint8Array {
    if (message !== 'requested') return unwritten(message, ['requested'])
    const amount = Number(given(values, 'amount'))
    if (!Number.isInteger(amount) || amount < 0 || amount > 0xffff_ffff)
      throw new RangeError('amount: expected an amount of four bytes')
    const body = Buffer.alloc(69)
    body.writeUInt32LE(amount)
    body[6] = PAYMENT
    const head = Buffer.of(UPOS_COMMAND.transaction, body.length, 0, 0, 0, 0, 0)
    return encodeUposMessage(concatBytes([head, body]))
  }
}

/** As many frames as it takes. */
function encodeUposMessage(message: Uint8Array): Uint8Array {
  const frames = Math.ceil(message.length / UPOS_DATA_BYTES)
  return concatBytes(
    Array.from({ length: frames }, (_, index) => {
      const data = message.subarray(index * UPOS_DATA_BYTES, (index + 1) * UPOS_DATA_BYTES)
      const number = index | (index + 1 < frames ? 0x80 : 0)
      return encodeUposFrame(concatBytes([Uint8Array.of(number, data.length), data]))
    }),
  )
}

/** Sum, card type, department, operation. */
function readRequest(body: Uint8Array): Reading {
  if (body.length < 7) return { type: 'rejected', message: 'requested', issue: 'too short' }
  const amount = new ByteReader(body).uintLE(4)
  const operation = body[6]
  if (operation !== PAYMENT && operation !== REVERSAL) return paymentReading('other', {})
  return paymentReading('requested', {
    amount,
    text: operation === PAYMENT ? 'payment' : 'reversal',
  })
}

/** The amount of a payment is in its request, and no answer repeats it. */
function readAnswer(body: Uint8Array): Reading {
  const result = readUposResult(body)
  if (result === undefined) return paymentReading('progress', {})
  if (result.card === '') return paymentReading('other', {})
  const message = result.responseCode === 0 ? 'approved' : 'declined'
  return { type: 'rejected', message, issue: 'amount: only the request names it' }
}
