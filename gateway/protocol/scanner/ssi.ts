import { z } from 'zod'
import { type MessageOutline, oneMessage, type Protocol, type Reading } from '../protocol.js'
import { readAimLine } from './aim-lines.js'
import { readScan, SCAN_MESSAGES, type Scan, scanOf } from './scan.js'
import { SsiLink } from './ssi-link.js'
import { encodePacket, OPCODES, opcodeName, prefixed, readPacket, SsiFramer } from './ssi-packet.js'

export const ssiSchema = z.strictObject({
  type: z.literal('ssi'),
  /** Over BLE each packet stands behind its length. */
  transport: z.enum(['serial', 'ble']).default('serial'),
})

const PACKET: MessageOutline = { name: 'packet', fields: [{ name: 'packet', type: 'text' }] }

/** SSI's code types by their AIM symbology identifier, where there is one. */
const SYMBOLOGIES: Readonly<Record<number, string>> = {
  1: 'A0',
  2: 'F0',
  3: 'C0',
  4: 'S0',
  6: 'I0',
  7: 'G0',
  8: 'E0',
  10: 'E4',
  11: 'E0',
  12: 'H0',
  14: 'M0',
  15: 'C1',
  17: 'L0',
  19: 'A4',
  22: 'E0',
  27: 'd1',
  28: 'Q1',
  45: 'z0',
  48: 'e0',
  49: 'e0',
  50: 'e0',
}
const UPC_A = 8
/** A code that AIM has no letter for: other than a bar code. */
const OTHER = 'X0'

/** Zebra, Simple Serial Interface Programmer Guide: over a serial line, SPP and BLE. */
export function ssi({ transport }: z.output<typeof ssiSchema>): Protocol {
  return {
    messages: [...SCAN_MESSAGES, PACKET],
    link: new SsiLink(transport),
    createFramer: () => new SsiFramer(transport),
    read,
    encode: (message, values) => {
      const packet = encodeMessage(message, values)
      return transport === 'ble' ? prefixed(packet) : packet
    },
  }
}

function read(payload: Uint8Array): Reading {
  const packet = readPacket(payload)
  if (packet === undefined)
    return { type: 'rejected', message: 'packet', issue: 'expected opcode, source and status' }
  if (packet.opcode !== OPCODES.DECODE_DATA)
    return opcodeName(packet.opcode) === undefined
      ? { type: 'rejected', message: 'packet', issue: 'expected an opcode of SSI' }
      : oneMessage('packet', { packet: opcodeName(packet.opcode) ?? '' })
  const [type] = packet.data
  if (type === undefined)
    return { type: 'rejected', message: 'other', issue: 'expected a code type' }
  const text = codeOf(packet.data)
  // Set up to send AIM identifiers, it says better than its own types which code it was.
  return text[0] === AIM_FLAG ? readAimLine(text) : readScan(scanOfType(type, text))
}

const AIM_FLAG = 0x5d

/** The code behind its type; newer scanners write 01 and its length in two bytes between them. */
export function codeOf(data: Uint8Array): Uint8Array {
  const [, mark, high = 0, low = 0] = data
  const isMeasured = mark === 1 && (high << 8) + low === data.length - 4
  return data.subarray(isMeasured ? 4 : 1)
}

/** AIM's identifier of one of SSI's code types. */
export function symbologyOf(type = 0): string {
  return SYMBOLOGIES[type] ?? OTHER
}

/** UPC-A has 12 digits here; AIM's E0 has 13. */
function scanOfType(type: number, data: Uint8Array): Scan {
  const text = Buffer.from(data).toString('latin1')
  return { symbology: symbologyOf(type), text: type === UPC_A ? `0${text}` : text }
}

function encodeMessage(message: string, values: Readonly<Record<string, unknown>>): Uint8Array {
  const { packet, repeated } = values
  if (message === 'packet') {
    const opcode = Object.entries(OPCODES).find(([name]) => name === packet)?.[1]
    if (opcode === undefined) throw new RangeError('packet: expected the name of an opcode')
    return encodePacket({ opcode, source: 0, status: 0, data: new Uint8Array(0) })
  }
  const { symbology, text } = scanOf(message, values)
  const type = Object.keys(SYMBOLOGIES).findLast(key => SYMBOLOGIES[Number(key)] === symbology)
  if (type === undefined) throw new RangeError('symbology: expected one that SSI has')
  const data = Buffer.from(`${String.fromCharCode(Number(type))}${text}`, 'latin1')
  return encodePacket({
    opcode: OPCODES.DECODE_DATA,
    source: 0,
    status: repeated === true ? 1 : 0,
    data,
  })
}
