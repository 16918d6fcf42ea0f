import { concatBytes } from '../../core/bytes.js'
import { BufferedFramer, type Verdict } from '../../line/framing/buffered-framer.js'
import { blockCrc } from './dex-frame.js'

const SOH = 0x01
const STX = 0x02
const ETX = 0x03
const EOT = 0x04
const ENQ = 0x05
const DLE = 0x10
const NAK = 0x15
/** Time filler, between blocks and inside them: never data. */
const SYN = 0x16
const ETB = 0x17
const CRC_BYTES = 2
/** What follows DLE in ACK0, ACK1 and WACK. */
const ANSWERS: readonly (number | undefined)[] = [0x30, 0x31, 0x3b]
const ALONE: readonly (number | undefined)[] = [ENQ, EOT, NAK]

/**
 * Controls and blocks of DEX/UCS. A payload is a control as it stands on the line, or a block
 * without DLEs, fillers and CRC: `STX data ETX`. Source: EVA-DTS 6.2.
 */
export class DexFramer extends BufferedFramer {
  protected override judge(buffer: Uint8Array): Verdict {
    const first = buffer[0]
    const second = buffer[1]
    if (ALONE.includes(first)) return { type: 'frame', size: 1, payload: buffer.subarray(0, 1) }
    if (first !== DLE) return { type: 'discard', size: noiseBytes(buffer), reason: 'noise' }
    if (second === undefined) return { type: 'wait', doubtful: 1 }
    if (ANSWERS.includes(second)) return { type: 'frame', size: 2, payload: buffer.subarray(0, 2) }
    if (second === SOH || second === STX) return this.#judgeBlock(buffer)
    return { type: 'discard', size: second === SYN ? 2 : 1, reason: 'noise' }
  }

  #judgeBlock(buffer: Uint8Array): Verdict {
    const window = buffer.subarray(0, this.maxFrameBytes)
    const marker = nextMarker(window)
    if (marker === undefined)
      return buffer.length < this.maxFrameBytes
        ? { type: 'wait', doubtful: 1 }
        : { type: 'discard', size: 1, reason: 'too-long' }
    const end = window[marker + 1]
    if (end === SOH || end === STX) return { type: 'discard', size: marker, reason: 'checksum' }
    if (end !== ETX && end !== ETB)
      return { type: 'discard', size: marker + (end === DLE ? 1 : 2), reason: 'checksum' }
    const size = marker + 2 + CRC_BYTES
    if (size > this.maxFrameBytes) return { type: 'discard', size: 1, reason: 'too-long' }
    if (size > buffer.length) return { type: 'wait', doubtful: 1 }
    const data = withoutFillers(buffer.subarray(2, marker))
    const [low = 0, high = 0] = buffer.subarray(marker + 2, size)
    if (blockCrc(data, end) === low + 256 * high)
      return {
        type: 'frame',
        size,
        payload: concatBytes([buffer.subarray(1, 2), data, Uint8Array.of(end)]),
      }
    // Its bytes go together, so that none of them passes for a control: nobody sends behind a block
    // before it is answered. But a DLE where the CRC should stand may begin the next frame.
    const behind = buffer.subarray(0, size).indexOf(DLE, marker + 2)
    return { type: 'discard', size: behind < 0 ? size : behind, reason: 'checksum' }
  }
}

/** What precedes the next byte that may begin a frame. */
function noiseBytes(buffer: Uint8Array): number {
  const next = buffer.findIndex(byte => byte === DLE || ALONE.includes(byte))
  return next < 0 ? buffer.length : next
}

/** The first DLE behind the start that has a second byte and is no filler's. */
function nextMarker(window: Uint8Array): number | undefined {
  let marker = window.indexOf(DLE, 2)
  while (marker >= 0 && window[marker + 1] === SYN) marker = window.indexOf(DLE, marker + 2)
  return marker < 0 || marker + 1 >= window.length ? undefined : marker
}

function withoutFillers(body: Uint8Array): Uint8Array {
  return body.filter((byte, at) => byte !== DLE && (byte !== SYN || body[at - 1] !== DLE))
}
