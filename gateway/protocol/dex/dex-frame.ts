import { concatBytes } from '../../core/bytes.js'
import { checksum } from '../../line/checksum/catalog.js'

const SOH = 0x01
export const STX = 0x02
export const ETX = 0x03
const EOT = 0x04
const ENQ = 0x05
const DLE = 0x10
const NAK = 0x15
const ETB = 0x17

/** The bytes of each control, as they stand on the line (EVA-DTS 6.2, data transfer). */
export const CONTROLS = {
  ENQ: Uint8Array.of(ENQ),
  EOT: Uint8Array.of(EOT),
  NAK: Uint8Array.of(NAK),
  ACK0: Uint8Array.of(DLE, 0x30),
  ACK1: Uint8Array.of(DLE, 0x31),
  /** Busy: ask again with ENQ. */
  WACK: Uint8Array.of(DLE, 0x3b),
} as const

export type Control = keyof typeof CONTROLS

/** What one frame of the link layer is. */
export type DexFrame =
  | { readonly type: 'control'; readonly control: Control }
  | {
      readonly type: 'block'
      /** SOH begins a handshake, STX data. */
      readonly start: 'SOH' | 'STX'
      readonly data: Uint8Array
      /** ETX; else ETB, and more blocks follow. */
      readonly last: boolean
    }

/** The frame of a payload as `DexFramer` gives it; nothing where it is none. */
export function readDexFrame(payload: Uint8Array): DexFrame | undefined {
  const [first] = payload
  const last = payload.at(-1)
  const isBlock = (first === SOH || first === STX) && (last === ETX || last === ETB)
  if (isBlock && payload.length > 1)
    return {
      type: 'block',
      start: first === SOH ? 'SOH' : 'STX',
      data: payload.subarray(1, -1),
      last: last === ETX,
    }
  const hex = Buffer.from(payload).toString('hex')
  const control = CONTROL_NAMES.find(name => Buffer.from(CONTROLS[name]).toString('hex') === hex)
  return control && { type: 'control', control }
}

const CONTROL_NAMES = ['ENQ', 'EOT', 'NAK', 'ACK0', 'ACK1', 'WACK'] as const

/**
 * `DLE SOH|STX data DLE ETX|ETB crc`: the CRC covers the data and the closing byte, not the DLEs;
 * its low byte goes first.
 */
export function encodeBlock(block: Omit<Extract<DexFrame, { type: 'block' }>, 'type'>): Uint8Array {
  const { start, data, last } = block
  const end = last ? ETX : ETB
  const crc = blockCrc(data, end)
  return concatBytes([
    Uint8Array.of(DLE, start === 'SOH' ? SOH : STX),
    data,
    Uint8Array.of(DLE, end, crc & 0xff, crc >>> 8),
  ])
}

export function blockCrc(data: Uint8Array, end: number): number {
  return checksum('CRC-16/ARC', concatBytes([data, Uint8Array.of(end)]))
}

/** What the two sides say of themselves before data: fixed columns of text. */
export type Handshake =
  | (Identity & { readonly type: 'request'; readonly operation: 'R' | 'S' | 'M' })
  | (Identity & { readonly type: 'response'; readonly responseCode: string })

interface Identity {
  readonly communicationId: string
  readonly revision: string
  readonly level: string
}

const REQUEST = /^(.{10})([RSM])(R\d\d)(L\d\d)$/s
const RESPONSE = /^([0-9A-F]{2})(.{10})(R\d\d)(L\d\d)$/s

/** The handshake in a block that SOH begins; nothing where it is none. */
export function readHandshake(data: Uint8Array): Handshake | undefined {
  const text = Buffer.from(data).toString('latin1')
  const [, asking, operation, askRevision = '', askLevel = ''] = REQUEST.exec(text) ?? []
  if (asking !== undefined && (operation === 'R' || operation === 'S' || operation === 'M'))
    return {
      type: 'request',
      communicationId: asking,
      operation,
      revision: askRevision,
      level: askLevel,
    }
  const [, responseCode, answering = '', revision = '', level = ''] = RESPONSE.exec(text) ?? []
  if (responseCode === undefined) return undefined
  return { type: 'response', responseCode, communicationId: answering, revision, level }
}

export function encodeHandshake(handshake: Handshake): Uint8Array {
  const { communicationId, revision, level } = handshake
  const text =
    handshake.type === 'request'
      ? communicationId + handshake.operation + revision + level
      : handshake.responseCode + communicationId + revision + level
  return encodeBlock({ start: 'SOH', data: Buffer.from(text, 'latin1'), last: true })
}
