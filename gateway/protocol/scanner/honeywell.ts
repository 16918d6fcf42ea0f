import { z } from 'zod'
import { BufferedFramer, type Verdict } from '../../line/framing/buffered-framer.js'
import { unsolicitedLink } from '../../line/link/unsolicited.js'
import type { Protocol, Reading } from '../protocol.js'
import { readScan, SCAN_MESSAGES, scanOf } from './scan.js'

export const honeywellSchema = z.strictObject({ type: z.literal('honeywell') })

const SYN = 0x16
const CR = 0x0d
const HEADER_BYTES = 21
/** No bar code holds more; the four digits would reach to 9999. */
const MAX_FRAME_BYTES = 4096

/** One code, as its frame says it. */
export interface MsgGet {
  /** Honeywell's own letter for the symbology. */
  readonly code: string
  /** AIM's two characters. */
  readonly aim: string
  readonly data: string
}

/**
 * Honeywell over SPP: `MSGGET`, a length that counts the closing CR, symbologies, the data. Long
 * codes come in several reads. Source: enioka-Haute-Couture/enioka_scan.
 */
export function honeywell(): Protocol {
  return {
    messages: SCAN_MESSAGES,
    link: unsolicitedLink,
    createFramer: () => new HoneywellFramer(MAX_FRAME_BYTES),
    read,
    encode,
  }
}

export class HoneywellFramer extends BufferedFramer {
  protected override judge(buffer: Uint8Array): Verdict {
    const start = buffer.indexOf(SYN)
    if (start !== 0)
      return { type: 'discard', size: start < 0 ? buffer.length : start, reason: 'noise' }
    const header = buffer.subarray(0, HEADER_BYTES)
    if (!beginsHeader(header)) return { type: 'discard', size: 1, reason: 'noise' }
    if (header.length < HEADER_BYTES) return { type: 'wait', doubtful: 1 }
    // The binary length in front of it is one that Honeywell's own driver does not heed either.
    const digits = textOf(header.subarray(13, 17))
    const length = /^\d{4}$/.test(digits) ? Number(digits) : 0
    if (length < 1) return { type: 'discard', size: 1, reason: 'noise' }
    const size = HEADER_BYTES + length
    if (size > this.maxFrameBytes) return { type: 'discard', size: 1, reason: 'too-long' }
    if (buffer.length < size) return { type: 'wait', doubtful: 1 }
    if (buffer[size - 1] !== CR) return { type: 'discard', size: 1, reason: 'checksum' }
    return { type: 'frame', size, payload: buffer.subarray(17, size - 1) }
  }
}

/** So much of the header as is there already. */
function beginsHeader(bytes: Uint8Array): boolean {
  return bytes.every((byte, at) => MARKS[at] === undefined || MARKS[at] === byte)
}

const MARKS: Readonly<Record<number, number>> = {
  0: SYN,
  1: 0xfe,
  6: CR,
  ...Object.fromEntries([...Buffer.from('MSGGET')].map((byte, at) => [7 + at, byte])),
  20: 0x1d,
}

/** A frame's payload begins with the symbologies. */
export function readMsgGet(payload: Uint8Array): MsgGet {
  const text = textOf(payload)
  return { code: text.slice(0, 1), aim: text.slice(1, 3), data: text.slice(4) }
}

function read(payload: Uint8Array): Reading {
  const { aim, data } = readMsgGet(payload)
  if (!/^[A-Za-z][0-9A-Za-z]$/.test(aim))
    return { type: 'rejected', message: 'other', issue: 'expected a symbology identifier' }
  return readScan({ symbology: aim, text: data })
}

function encode(message: string, values: Readonly<Record<string, unknown>>): Uint8Array {
  const { symbology, text } = scanOf(message, values)
  const { code = 'd' } = values
  const length = String(text.length + 1).padStart(4, '0')
  const head = `\x16\xfe\0\0\0\0\rMSGGET${length}${code}${symbology}\x1d`
  return Buffer.from(`${head}${text}\r`, 'latin1')
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}
