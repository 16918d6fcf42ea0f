import { z } from 'zod'
import { placePoint } from '../../codec/decimal.js'
import { encodeStxEtx, StxEtxFramer } from '../../line/framing/stx-etx.js'
import type { Protocol, Reading } from '../protocol.js'
import { pollingFields, pollScale } from './polling.js'
import {
  pointlessWeight,
  readShown,
  readStatus,
  STATUS_OUTLINE,
  WEIGHT_OUTLINE,
} from './scale-reading.js'

export const prixIiiSchema = z.strictObject({ type: z.literal('prix-iii'), ...pollingFields })

const FRAMING = {
  type: 'stx-etx',
  dle: false,
  checksum: 'none',
  checksumEndian: 'big',
  maxFrameBytes: 16,
} as const
const ENQ = '05'
/** Grams, as kilograms with three decimals. */
const PLACES = { decimals: 3, digits: 5 } as const

/** Instead of digits: unstable, negative, overload. */
const STATUSES: Readonly<Record<string, Parameters<typeof readStatus>[0]>> = {
  IIIII: { motion: true },
  NNNNN: { negative: true },
  SSSSS: { over: true },
}

/**
 * Toledo do Brasil, Prix III: ENQ, and five digits of grams. No document was seen for the letters
 * that stand instead of them.
 */
export function prixIii(options: z.output<typeof prixIiiSchema>): Protocol {
  const { everyMs, replyWithinMs } = options
  return {
    messages: [WEIGHT_OUTLINE, STATUS_OUTLINE],
    link: pollScale({ request: ENQ, everyMs, replyWithinMs }),
    createFramer: () => new StxEtxFramer(FRAMING),
    read,
    encode: (message, values) => encodeStxEtx(FRAMING, Buffer.from(textOf(message, values))),
  }
}

function read(payload: Uint8Array): Reading {
  const text = Buffer.from(payload).toString('latin1')
  const status = STATUSES[text]
  if (status !== undefined) return readStatus(status)
  const placed = placePoint(text, PLACES.decimals)
  if (!placed.ok || text.length !== PLACES.digits)
    return { type: 'rejected', message: 'weight', issue: 'expected five digits' }
  return readShown({ weight: placed.value, unit: 'kg' })
}

function textOf(message: string, values: Readonly<Record<string, unknown>>): string {
  const { weight, over, negative } = values
  switch (message) {
    case 'weight':
      return pointlessWeight(weight, PLACES)
    case 'status':
      if (over === true) return 'SSSSS'
      return negative === true ? 'NNNNN' : 'IIIII'
    default:
      throw new RangeError(`no message ${message}; there are weight, status`)
  }
}
