import { concatBytes } from '../../core/bytes.js'
import { checksum } from '../../line/checksum/catalog.js'
import { BufferedFramer, type Verdict } from '../../line/framing/buffered-framer.js'

/** What the gateway has to know of SSI's commands; the names are Zebra's. */
export const OPCODES = {
  FLUSH_MACRO_PDF: 0x10,
  ABORT_MACRO_PDF: 0x11,
  CUSTOM_DEFAULTS: 0x12,
  SEND_LOG: 0x13,
  LOG_DATA: 0x14,
  MULTIPACKET_SEGMENT: 0x73,
  MULTIPACKET_ACK: 0x74,
  SSI_MGMT_COMMAND: 0x80,
  SCANNER_INIT_COMMAND: 0x90,
  SCANNER_INIT_RESPONSE: 0x91,
  TEMP_COMMAND: 0x93,
  HOST_ACK: 0x96,
  REQUEST_REVISION: 0xa3,
  REPLY_REVISION: 0xa4,
  IMAGE_DATA: 0xb1,
  VIDEO_DATA: 0xb4,
  ILLUMINATION_OFF: 0xc0,
  ILLUMINATION_ON: 0xc1,
  AIM_OFF: 0xc4,
  AIM_ON: 0xc5,
  PARAM_SEND: 0xc6,
  PARAM_REQUEST: 0xc7,
  PARAM_DEFAULTS: 0xc8,
  CHANGE_ALL_CODE_TYPES: 0xc9,
  PAGE_MOTOR_ACTIVATION: 0xca,
  CMD_ACK: 0xd0,
  CMD_NACK: 0xd1,
  FLUSH_QUEUE: 0xd2,
  CAPABILITIES_REQUEST: 0xd3,
  CAPABILITIES_REPLY: 0xd4,
  BATCH_REQUEST: 0xd5,
  BATCH_DATA: 0xd6,
  CMD_ACK_ACTION: 0xd8,
  START_SESSION: 0xe4,
  STOP_SESSION: 0xe5,
  BEEP: 0xe6,
  LED_ON: 0xe7,
  LED_OFF: 0xe8,
  SCAN_ENABLE: 0xe9,
  SCAN_DISABLE: 0xea,
  SLEEP: 0xeb,
  DECODE_DATA: 0xf3,
  EVENT: 0xf6,
  IMAGER_MODE: 0xf7,
} as const

export type Opcode = keyof typeof OPCODES

const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(OPCODES).map(([name, opcode]) => [opcode, name]),
)

export function opcodeName(opcode: number): string | undefined {
  return NAMES.get(opcode)
}

/** What a scanner repeats until it is answered. */
const ACKNOWLEDGED: ReadonlySet<number> = new Set([
  OPCODES.DECODE_DATA,
  OPCODES.EVENT,
  OPCODES.PARAM_SEND,
  OPCODES.SSI_MGMT_COMMAND,
  OPCODES.LOG_DATA,
  OPCODES.TEMP_COMMAND,
  OPCODES.IMAGE_DATA,
  OPCODES.VIDEO_DATA,
  OPCODES.BATCH_DATA,
])

export function needsAck(opcode: number): boolean {
  return ACKNOWLEDGED.has(opcode)
}

export const HOST = 4
/** Bit 0 of the status: the scanner had no answer, and says it again. */
export const REPEATED = 1

export interface SsiPacket {
  readonly opcode: number
  /** 0 the scanner, 4 the host; of a segment 2 where it is the first. */
  readonly source: number
  readonly status: number
  readonly data: Uint8Array
}

/** A frame's payload, which begins behind the length. Undefined where it is too short for one. */
export function readPacket(payload: Uint8Array): SsiPacket | undefined {
  const [opcode, source, status] = payload
  if (opcode === undefined || source === undefined || status === undefined) return undefined
  return { opcode, source, status, data: payload.subarray(3) }
}

/** The packet as it goes out: its length, and the checksum with the high byte first. */
export function encodePacket(packet: SsiPacket): Uint8Array {
  const { opcode, source, status, data } = packet
  const body = concatBytes([Uint8Array.of(data.length + 4, opcode, source, status), data])
  const sum = checksum('negated-sum16', body)
  return concatBytes([body, Uint8Array.of(sum >>> 8, sum & 0xff)])
}

/** Over BLE: the length of all in two bytes, the low one first, which counts itself. */
export function prefixed(packet: Uint8Array): Uint8Array {
  const size = packet.length + PREFIX_BYTES
  return concatBytes([Uint8Array.of(size & 0xff, size >>> 8), packet])
}

const PREFIX_BYTES = 2
const HEADER_BYTES = 4
const CHECKSUM_BYTES = 2
/** The length counts itself and all before the checksum. */
const MOST_BYTES = 0xff + CHECKSUM_BYTES + PREFIX_BYTES

/**
 * Packets of SSI: a length that counts itself and all up to the checksum. Over BLE each stands
 * behind its prefix, and comes in as many notifications as it takes.
 */
export class SsiFramer extends BufferedFramer {
  readonly #prefixBytes: number

  constructor(transport: 'serial' | 'ble') {
    super(MOST_BYTES)
    this.#prefixBytes = transport === 'ble' ? PREFIX_BYTES : 0
  }

  // Whatever is wrong, one byte goes and no more: a wrong length must not take good packets along.
  protected override judge(buffer: Uint8Array): Verdict {
    const from = this.#prefixBytes
    const length = buffer[from]
    if (length === undefined) return { type: 'wait', doubtful: 1 }
    const end = from + length
    const size = end + CHECKSUM_BYTES
    const isPrefixed = from === 0 || (buffer[0] === (size & 0xff) && buffer[1] === size >>> 8)
    if (length < HEADER_BYTES || !isPrefixed) return { type: 'discard', size: 1, reason: 'noise' }
    if (buffer.length < size) return { type: 'wait', doubtful: 1 }
    const expected = checksum('negated-sum16', buffer.subarray(from, end))
    const found = ((buffer[end] ?? 0) << 8) | (buffer[end + 1] ?? 0)
    if (expected !== found) return { type: 'discard', size: 1, reason: 'checksum' }
    return { type: 'frame', size, payload: buffer.subarray(from + 1, end) }
  }
}
