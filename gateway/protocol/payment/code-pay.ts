import { z } from 'zod'
import type { Framer } from '../../line/framing/framer.js'
import type { Link } from '../../line/link/link.js'
import { unsolicitedLink } from '../../line/link/unsolicited.js'
import { type MessageOutline, oneMessage, type Protocol, type Reading } from '../protocol.js'
import { CodePayFramer, encodeCodePay } from './code-pay-framer.js'
import { given, unwritten } from './payment-messages.js'

/** CodePay and PayCloud over USB serial. Source: developer.codepay.us, paycloud-open (SDK). */
export const codePaySchema = z.strictObject({ type: z.literal('code-pay') })

const TYPES = ['normal', 'handshake', 'confirm'] as const
const HEAD_BYTES = 3

export interface CodePayPacket {
  readonly type: (typeof TYPES)[number]
  /** The last packet that arrived sound at the other end; 0: none is acknowledged. */
  readonly ack: number
  /** 1 to 255; 0 where it carries nothing. */
  readonly id: number
  readonly data: Uint8Array
}

/** Undefined for a type that there is not. @param payload as the framer gives it */
export function readCodePay(payload: Uint8Array): CodePayPacket | undefined {
  const [number = -1, ack = 0, id = 0] = payload
  const type = TYPES[number]
  return type && { type, ack, id, data: payload.subarray(HEAD_BYTES) }
}

/**
 * The packets alone. What they carry differs between the applications on these terminals (JSON,
 * protocol buffers), so a dialect can only say that it is there.
 */
export class CodePay implements Protocol {
  readonly messages: readonly MessageOutline[] = [
    { name: 'handshake', fields: [] },
    { name: 'confirm', fields: [] },
    { name: 'heartbeat', fields: [] },
    { name: 'acknowledgement', fields: [{ name: 'ack', type: 'integer' }] },
    {
      name: 'data',
      fields: [
        { name: 'id', type: 'integer' },
        { name: 'ack', type: 'integer' },
        { name: 'bytes', type: 'integer' },
      ],
    },
  ]
  readonly link: Link<unknown> = unsolicitedLink

  createFramer(): Framer {
    return new CodePayFramer()
  }

  read(payload: Uint8Array): Reading {
    const packet = readCodePay(payload)
    if (packet === undefined) return { type: 'rejected', issue: 'expected a packet of type 0 to 2' }
    const { type, ack, id, data } = packet
    if (data.length > 0) return oneMessage('data', { id, ack, bytes: data.length })
    if (type !== 'normal') return oneMessage(type, {})
    return ack === 0 ? oneMessage('heartbeat', {}) : oneMessage('acknowledgement', { ack })
  }

  encode(message: string, values: Readonly<Record<string, unknown>>): Uint8Array {
    switch (message) {
      case 'handshake':
        return encodeCodePay(Uint8Array.of(1, 0, 0))
      case 'confirm':
        return encodeCodePay(Uint8Array.of(2, 0, 0))
      case 'heartbeat':
        return encodeCodePay(Uint8Array.of(0, 0, 0))
      case 'acknowledgement':
        return encodeCodePay(Uint8Array.of(0, Number(given(values, 'ack')), 0))
      default:
        return unwritten(message, ['handshake', 'confirm', 'heartbeat', 'acknowledgement'])
    }
  }
}
