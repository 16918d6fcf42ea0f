import { fromHex } from '../../core/bytes.js'
import type { LinkEffect } from '../../line/link/link.js'
import { codeOf, symbologyOf } from '../../protocol/scanner/ssi.js'
import { SsiLink } from '../../protocol/scanner/ssi-link.js'
import {
  HOST,
  needsAck,
  OPCODES,
  opcodeName,
  REPEATED,
  readPacket,
  SsiFramer,
  type SsiPacket,
} from '../../protocol/scanner/ssi-packet.js'
import type { Adapter, Observed } from './adapter.js'
import { readAttributes, readParameters } from './ssi-data.js'

/** Over BLE a packet stands behind its length in two bytes, which is never a packet's own. */
function transportOf(bytes: Uint8Array): 'serial' | 'ble' {
  const [low = 0, high = 0, length = 0] = bytes
  return (high << 8) + low === length + 4 && opcodeName(high) === undefined ? 'ble' : 'serial'
}

export const ssi: Adapter = ({ hex, chunks }) => {
  const reads = (chunks ?? [hex]).map(fromHex)
  const transport = transportOf(fromHex(chunks === undefined ? hex : chunks.join('')))
  const framer = new SsiFramer(transport)
  const link = new SsiLink(transport)
  let state = link.initial
  const delivered: SsiPacket[] = []
  const written: Uint8Array[] = []
  const perform = (effects: readonly LinkEffect[]): void => {
    for (const effect of effects) {
      if (effect.type === 'write') written.push(effect.bytes)
      const packet = effect.type === 'deliver' ? readPacket(effect.payload) : undefined
      if (packet !== undefined) delivered.push(packet)
    }
  }
  const heard: SsiPacket[] = []
  const hear = (outputs: ReturnType<SsiFramer['push']>): boolean => {
    for (const output of outputs) {
      const packet = output.type === 'frame' ? readPacket(output.payload) : undefined
      if (packet !== undefined) heard.push(packet)
      const step = link.next(state, { type: 'framed', output, atMs: 0 })
      state = step.state
      perform(step.effects)
    }
    return heard.length === 0 || state.segments.length > 0
  }
  const expecting_more = reads.map(bytes => hear(framer.push(bytes)))
  hear(framer.idle())
  const [first] = heard
  if (first === undefined) return { checksum_ok: false, reply: replyOf(written), expecting_more }
  const whole = delivered.find(({ opcode }) => opcode === OPCODES.DECODE_DATA)
  return { checksum_ok: true, ...describe(whole ?? first), expecting_more }
}

function replyOf(written: readonly Uint8Array[]): string | null {
  const nack = written.some(bytes => bytes.includes(OPCODES.CMD_NACK))
  return nack ? 'CMD_NACK, reason checksum failure' : null
}

function describe(packet: SsiPacket): Observed {
  const { opcode, source, status, data } = packet
  const head = {
    opcode,
    name: opcodeName(opcode) ?? 'UNKNOWN',
    source: source === HOST ? 'host' : 'decoder',
    status,
    needs_ack: source !== HOST && needsAck(opcode),
    retransmission: (status & REPEATED) !== 0,
  }
  switch (opcode) {
    case OPCODES.EVENT:
      return { ...head, event: data[0] }
    case OPCODES.PARAM_SEND:
      return { ...head, parameters: readParameters(data.subarray(1)) }
    case OPCODES.SSI_MGMT_COMMAND:
      return { ...head, attributes: readAttributes(data) }
    case OPCODES.DECODE_DATA: {
      const barcode = Buffer.from(codeOf(data)).toString('latin1')
      return {
        ...head,
        barcode,
        data: barcode,
        symbology: data[0],
        aim: `]${symbologyOf(data[0])}`,
      }
    }
    default:
      return head
  }
}
