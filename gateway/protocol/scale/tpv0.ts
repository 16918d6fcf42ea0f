import { z } from 'zod'
import { DelimitedFramer, encodeDelimited } from '../../line/framing/delimited.js'
import type { Protocol, Reading } from '../protocol.js'
import { pollingFields, pollScale } from './polling.js'
import { readShown, readStatus, STATUS_OUTLINE, WEIGHT_OUTLINE } from './scale-reading.js'

export const tpv0Schema = z.strictObject({ type: z.literal('tpv0'), ...pollingFields })

const FRAMING = { type: 'delimited', start: '02', delimiters: '0d03', maxFrameBytes: 16 } as const
/** `$`: send the weight. */
const REQUEST = '24'
/** The status and eight characters, blanks behind; dashes where it is out of range. */
const REPLY = /^([\x20-\x4b])((?=.{8}$)-?\d{1,7}(?:\.\d{1,4})? *|-{8})$/
const BASE = 0x20
const GROSS = 0x01
const NET = 0x02
const ZERO = 0x08
const STABLE = 0x20

export interface Tpv0Status {
  readonly zero: boolean
  readonly stable: boolean
  readonly net: boolean
}

/** TPV0 A, the `$` protocol of many labels. Source: goncalomb/scale2pos, section 1.1. */
export function tpv0(options: z.output<typeof tpv0Schema>): Protocol {
  const { everyMs, replyWithinMs } = options
  return {
    messages: [WEIGHT_OUTLINE, STATUS_OUTLINE],
    link: pollScale({ request: REQUEST, everyMs, replyWithinMs }),
    createFramer: () => new DelimitedFramer(FRAMING),
    read,
    encode: (message, values) =>
      encodeDelimited(FRAMING, Buffer.from(textOf(message, values), 'latin1')),
  }
}

/** Flags added to a blank. Undefined where the character says both gross and net, or neither. */
export function readTpv0Status(character: string): Tpv0Status | undefined {
  const bits = character.charCodeAt(0) - BASE
  const scope = bits & (GROSS | NET)
  const isKnown = (bits & ~(GROSS | NET | ZERO | STABLE)) === 0 && scope !== 0 && scope !== 3
  if (!isKnown) return undefined
  return { zero: (bits & ZERO) !== 0, stable: (bits & STABLE) !== 0, net: scope === NET }
}

function read(payload: Uint8Array): Reading {
  const text = Buffer.from(payload).toString('latin1')
  const [, character = '', shown = ''] = REPLY.exec(text) ?? []
  const status = readTpv0Status(character)
  if (status === undefined)
    return { type: 'rejected', message: 'weight', issue: 'expected a status and eight characters' }
  const motion = !status.stable
  if (shown.startsWith('--')) return readStatus({ motion, over: true })
  const weight = shown.trimEnd()
  if (status.zero && /^\d*\.?\d*[1-9]/.test(weight))
    return { type: 'rejected', message: 'weight', issue: 'expected no goods, as its status says' }
  return readShown({ weight, isMoving: motion, isNet: status.net })
}

function textOf(message: string, values: Readonly<Record<string, unknown>>): string {
  if (message !== 'weight' && message !== 'status')
    throw new RangeError(`no message ${message}; there are weight, status`)
  const { weight = '0', net, motion, zero, over } = values
  const bits =
    (net === true ? NET : GROSS) | (zero === true ? ZERO : 0) | (motion === true ? 0 : STABLE)
  const shown = over === true ? '-'.repeat(8) : String(weight).padEnd(8)
  const text = `${String.fromCharCode(BASE + bits)}${shown}`
  if (!REPLY.test(text)) throw new RangeError('weight: expected at most eight characters')
  return text
}
