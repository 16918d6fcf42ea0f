import { concatBytes, equalBytes } from '../../core/bytes.js'
import { LIMITS } from '../../core/limits.js'
import type { Link, LinkEffect, LinkInput, LinkStep } from '../../line/link/link.js'
import { unsupported } from '../../line/link/unsupported.js'
import {
  encodePacket,
  HOST,
  needsAck,
  OPCODES,
  type Opcode,
  prefixed,
  REPEATED,
  readPacket,
  type SsiPacket,
} from './ssi-packet.js'

type Settled = Extract<LinkInput, { type: 'settled' }>

export interface SsiState {
  /** Packets being settled, the first of them now; whether the scanner still waits for an ACK. */
  readonly pending: readonly {
    readonly packet: SsiPacket
    readonly answer: 'owed' | 'none'
  }[]
  /** The last that was acknowledged: what says it again is answered and not taken twice. */
  readonly last: SsiPacket | undefined
  /** Segments of a code that is too long for a packet. */
  readonly segments: readonly Uint8Array[]
  /** The scanner asked to be initialised, and wants the other acknowledgement. */
  readonly isInitialised: boolean
  /** Broken packets since the last good one that were answered. */
  readonly naks: number
}

/** A segment of full length says that another one follows. */
const FULL_SEGMENT_BYTES = 0xff - 1
const FIRST_SEGMENT = 2
/** `F3`, four bytes of length, symbology, one byte, two of length: before the code's first byte. */
const SEGMENT_HEADER_BYTES = 9
const SYMBOLOGY_AT = 5
/** Opcode, source and status. */
const PACKET_HEADER_BYTES = 3
const MOST_SEGMENTS = 64
const MOST_NAKS = 3
/** CMD_NACK: the checksum was wrong, say it again. */
const RESEND = Uint8Array.of(1)

/**
 * Zebra's SSI: the scanner repeats what has to be acknowledged after some two seconds, with a bit
 * set in its status. It is acknowledged once it is in the journal, and a repeat is no second scan.
 * Sources: Zebra, Simple Serial Interface Programmer Guide; enioka-Haute-Couture/enioka_scan.
 */
export class SsiLink implements Link<SsiState> {
  readonly initial: SsiState = {
    pending: [],
    last: undefined,
    segments: [],
    isInitialised: false,
    naks: 0,
  }
  readonly answers = true
  readonly #isBle: boolean

  constructor(transport: 'serial' | 'ble') {
    this.#isBle = transport === 'ble'
  }

  next(state: SsiState, input: LinkInput): LinkStep<SsiState> {
    switch (input.type) {
      case 'framed':
        return input.output.type === 'frame'
          ? this.#framed({ ...state, naks: 0 }, input.output)
          : this.#broken(state, input.output.reason)
      case 'settled':
        return this.#settled(state, input)
      case 'opened':
      case 'elapsed':
        return { state, effects: [] }
      case 'commanded':
        return unsupported(state, input.command)
    }
  }

  #framed(
    state: SsiState,
    frame: { readonly payload: Uint8Array; readonly raw: Uint8Array },
  ): LinkStep<SsiState> {
    const packet = readPacket(frame.payload)
    if (packet === undefined) return { state, effects: [] }
    if (packet.opcode === OPCODES.MULTIPACKET_SEGMENT) return this.#segment(state, packet)
    if (packet.source === HOST) return { state, effects: [] }
    const isInitialised = state.isInitialised || packet.opcode === OPCODES.SCANNER_INIT_RESPONSE
    const heard = { ...state, isInitialised }
    return needsAck(packet.opcode)
      ? this.#arrived(heard, packet)
      : this.#take(heard, { packet, answer: 'none' })
  }

  #arrived(state: SsiState, packet: SsiPacket): LinkStep<SsiState> {
    const isRepeat = (packet.status & REPEATED) !== 0
    // Its first copy is being settled still, and is answered then.
    if (isRepeat && state.pending.some(one => isSame(one.packet, packet)))
      return { state, effects: [{ type: 'count', counter: 'repeat' }] }
    if (isRepeat && state.last !== undefined && isSame(state.last, packet))
      return { state, effects: [{ type: 'count', counter: 'repeat' }, this.#ack(state)] }
    return this.#take(state, { packet, answer: 'owed' })
  }

  #take(state: SsiState, arrival: SsiState['pending'][number]): LinkStep<SsiState> {
    // Unanswered it is repeated, when there may be room.
    if (state.pending.length >= LIMITS.linkQueueFrames) return { state, effects: [] }
    const deliver = state.pending.length === 0 ? [deliverOf(arrival.packet)] : []
    // It waits for one ACK at a time, and would take that of a code given up for this one's.
    const before =
      arrival.answer === 'owed'
        ? state.pending.map(({ packet }) => unanswered(packet))
        : state.pending
    return { state: { ...state, pending: [...before, arrival] }, effects: deliver }
  }

  #settled(state: SsiState, { outcome }: Settled): LinkStep<SsiState> {
    const [done, ...pending] = state.pending
    const [following] = pending
    const deliver = following === undefined ? [] : [deliverOf(following.packet)]
    if (done?.answer !== 'owed' || outcome === 'refused')
      return { state: { ...state, pending }, effects: deliver }
    return {
      state: { ...state, pending, last: done.packet },
      effects: [this.#ack(state), ...deliver],
    }
  }

  /** The first names the code's symbology; one that is not full is the last. */
  #segment(state: SsiState, packet: SsiPacket): LinkStep<SsiState> {
    const [index = 0] = packet.data
    const isFirst = index === 0 && packet.source === FIRST_SEGMENT
    const before = isFirst ? [] : state.segments
    const isNext = isFirst || (index === before.length && before.length > 0)
    if (!isNext && (packet.status & REPEATED) !== 0) return this.#segmentAgain(state, index)
    if (!isNext || before.length >= MOST_SEGMENTS)
      return { state: { ...state, segments: [] }, effects: [this.#write('CMD_NACK', RESEND)] }
    const segments = [...before, packet.data.subarray(1)]
    const whole = wholeOf(concatBytes(segments), packet.status)
    if (whole !== undefined) return this.#arrived({ ...state, segments: [] }, whole)
    const isLast = packet.data.length + PACKET_HEADER_BYTES < FULL_SEGMENT_BYTES
    if (isLast)
      return { state: { ...state, segments: [] }, effects: [this.#write('CMD_NACK', RESEND)] }
    return { state: { ...state, segments }, effects: [this.#write('MULTIPACKET_ACK')] }
  }

  /** Its acknowledgement was lost: of the one before, or of the last of a code that is done. */
  #segmentAgain(state: SsiState, index: number): LinkStep<SsiState> {
    const { segments, last } = state
    const again: LinkEffect[] = []
    if (segments.length > 0 && index === segments.length - 1)
      again.push(this.#write('MULTIPACKET_ACK'))
    if (segments.length === 0 && last !== undefined) again.push(this.#ack(state))
    return { state, effects: [{ type: 'count', counter: 'repeat' }, ...again] }
  }

  #broken(state: SsiState, reason: string): LinkStep<SsiState> {
    if (reason !== 'checksum' || state.naks >= MOST_NAKS) return { state, effects: [] }
    return {
      state: { ...state, naks: state.naks + 1 },
      effects: [this.#write('CMD_NACK', RESEND), { type: 'count', counter: 'nak' }],
    }
  }

  #ack({ isInitialised }: SsiState): LinkEffect {
    return this.#write(isInitialised ? 'HOST_ACK' : 'CMD_ACK')
  }

  #write(name: Opcode, data: Uint8Array = new Uint8Array(0)): LinkEffect {
    const packet = encodePacket({ opcode: OPCODES[name], source: HOST, status: 0, data })
    return { type: 'write', bytes: this.#isBle ? prefixed(packet) : packet }
  }
}

/** The packet that its segments would have been, had it been short enough; once all are there. */
function wholeOf(joined: Uint8Array, status: number): SsiPacket | undefined {
  const opcode = joined[0]
  const end = SEGMENT_HEADER_BYTES + ((joined[7] ?? 0) << 8) + (joined[8] ?? 0)
  if (opcode === undefined || joined.length < SEGMENT_HEADER_BYTES || joined.length < end)
    return undefined
  return { opcode, source: 0, status, data: joined.subarray(SYMBOLOGY_AT, end) }
}

function unanswered(packet: SsiPacket): SsiState['pending'][number] {
  return { packet, answer: 'none' }
}

function isSame(one: SsiPacket, other: SsiPacket): boolean {
  return one.opcode === other.opcode && equalBytes(one.data, other.data)
}

function deliverOf({ opcode, source, status, data }: SsiPacket): LinkEffect {
  const payload = concatBytes([Uint8Array.of(opcode, source, status), data])
  return { type: 'deliver', payload, raw: payload }
}
