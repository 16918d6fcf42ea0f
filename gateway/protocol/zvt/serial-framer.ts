import type { FinalVerdict, Verdict } from '../../line/framing/buffered-framer.js'
import { DleFramer, encodeDle } from '../../line/framing/dle.js'

/** What a receiver says of a frame: formally right, or not. */
export const ACK = 0x06
export const NAK = 0x15
const DLE = 0x10

const FRAMING = {
  type: 'stx-etx',
  dle: true,
  checksum: 'CRC-16/KERMIT',
  checksumEndian: 'little',
  maxFrameBytes: 16 * 1024,
} as const

/**
 * ZVT on a serial line: APDUs between `10 02` and `10 03`, with a CRC, and the single bytes 06 and
 * 15 of the receiver, each a frame of its own. Such a byte counts where a frame, another one or a
 * silence follows, and not among the remains of a broken frame, which are full of them.
 */
export class SerialFramer extends DleFramer {
  #isInRemains = false

  constructor(maxFrameBytes: number = FRAMING.maxFrameBytes) {
    super({ ...FRAMING, maxFrameBytes })
  }

  protected override judge(buffer: Uint8Array): Verdict {
    if (this.#isInRemains || !isAcknowledgement(buffer[0])) return this.#judgeFrame(buffer)
    const next = buffer[1]
    if (next === undefined) return { type: 'wait', doubtful: 1 }
    return next === DLE || isAcknowledgement(next)
      ? acknowledgement(buffer)
      : this.#judgeFrame(buffer)
  }

  protected override judgeSilent(buffer: Uint8Array): FinalVerdict {
    const isAlone = buffer.length === 1 && isAcknowledgement(buffer[0])
    const verdict =
      isAlone && !this.#isInRemains ? acknowledgement(buffer) : super.judgeSilent(buffer)
    if (verdict.size === buffer.length) this.#isInRemains = false
    return verdict
  }

  #judgeFrame(buffer: Uint8Array): Verdict {
    const verdict = super.judge(buffer)
    if (verdict.type !== 'wait') this.#isInRemains = verdict.type === 'discard'
    return verdict
  }
}

function isAcknowledgement(byte: number | undefined): boolean {
  return byte === ACK || byte === NAK
}

function acknowledgement(buffer: Uint8Array): FinalVerdict {
  return { type: 'frame', size: 1, payload: buffer.subarray(0, 1) }
}

/** An APDU as it stands on a serial line. */
export function encodeSerial(apdu: Uint8Array): Uint8Array {
  return encodeDle(FRAMING, apdu)
}
