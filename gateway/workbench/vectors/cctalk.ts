import { fromHex } from '../../core/bytes.js'
import {
  BUFFERED_EVENTS,
  countNew,
  type EventKind,
  readEvent,
} from '../../protocol/cctalk/cctalk-events.js'
import {
  type CctalkChecksum,
  CctalkFramer,
  cctalkCrc,
  packetBytes,
  readPacket,
} from '../../protocol/cctalk/cctalk-packet.js'
import type { Adapter, Observed } from './adapter.js'

const packet =
  (kind: CctalkChecksum): Adapter =>
  ({ hex }) => {
    const bytes = fromHex(hex)
    const framer = new CctalkFramer(kind)
    const outputs = [...framer.push(bytes), ...framer.idle()]
    const frames = outputs.filter(output => output.type === 'frame')
    const isWhole = frames.length === outputs.length
    // A broken packet is read all the same, to say what it seems to be.
    const seen = (isWhole ? frames[0]?.payload : undefined) ?? bytes
    if (!isWhole && packetBytes(bytes) !== bytes.length) return { error: 'length mismatch' }
    const { destination, source, header, data } = readPacket(seen, kind)
    return {
      checksum: kind === 'sum' ? 'simple8' : 'crc16',
      checksum_ok: isWhole,
      destination,
      length: data.length,
      header,
      data: [...data],
      ...(source === undefined ? { crc: crcText(crcCovered(seen)) } : { source }),
      ...(isWhole ? {} : { error: 'checksum' }),
    }
  }

function crcCovered(bytes: Uint8Array): Uint8Array {
  return Uint8Array.of(bytes[0] ?? 0, bytes[1] ?? 0, ...bytes.subarray(3, -1))
}

function crcText(bytes: Uint8Array): string {
  return cctalkCrc(bytes).toString(16).toUpperCase().padStart(4, '0')
}

const crcOnly: Adapter = ({ hex }) => ({ crc: crcText(fromHex(hex)) })

const eventCounter: Adapter = ({ hex }) => {
  const [previous = 0, current = 0] = fromHex(hex)
  const events = countNew(previous, current)
  const lost = Math.max(0, events - BUFFERED_EVENTS)
  return {
    previous,
    current,
    new_events: events,
    lost: lost > 0,
    lost_events: lost,
    reset: current === 0,
  }
}

const TYPES: Readonly<Record<EventKind, string>> = {
  credit: 'credit',
  'pending-credit': 'pending-credit',
  status: 'status',
  reject: 'reject',
  fault: 'fatal-error',
  fraud: 'fraud-attempt',
}

const billEvent: Adapter = ({ hex }): Observed => {
  const [first = 0, second = 0] = fromHex(hex)
  const event = readEvent('bill-validator', [first, second])
  if (event === undefined) return { error: 'unrecognized event' }
  return {
    event: event.name.toUpperCase().replaceAll('-', '_'),
    type: TYPES[event.kind],
    ...(event.type === undefined ? {} : { bill_type: event.type }),
  }
}

/** Coin acceptors and bill validators, and the layers of what they tell. */
export const CCTALK: Readonly<Record<string, Adapter>> = {
  cctalk: packet('sum'),
  'cctalk-crc': packet('crc'),
  'cctalk-crc-only': crcOnly,
  'cctalk-event-counter': eventCounter,
  'cctalk-bill-event': billEvent,
}
