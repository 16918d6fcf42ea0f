import { concatBytes, equalBytes } from '../../core/bytes.js'
import { BufferedFramer, type Verdict } from './buffered-framer.js'
import { bytesBefore } from './sequence.js'
import type { StxEtxOptions } from './stx-etx.js'
import { makeTrailer, trailerBytes } from './trailer.js'

const DLE = 0x10
const STX = 0x02
const ETX = 0x03
const START = Uint8Array.of(DLE, STX)

/**
 * `DLE STX payload DLE ETX checksum`, every DLE of the payload sent twice. The checksum covers the
 * payload as it was before doubling, then the ETX without its DLE (ZVT 13.08, serial transmission).
 */
export class DleFramer extends BufferedFramer {
  readonly #options: StxEtxOptions

  constructor(options: StxEtxOptions) {
    super(options.maxFrameBytes)
    this.#options = options
  }

  protected override judge(buffer: Uint8Array): Verdict {
    const noise = bytesBefore(buffer, START)
    if (noise > 0) return { type: 'discard', size: noise, reason: 'noise' }
    const marker = this.#nextMarker(buffer)
    if (marker === undefined && buffer.length < this.maxFrameBytes)
      return { type: 'wait', doubtful: 1 }
    if (marker === undefined) return { type: 'discard', size: 1, reason: 'too-long' }
    if (buffer[marker + 1] === STX) return { type: 'discard', size: marker, reason: 'noise' }
    if (buffer[marker + 1] !== ETX) return { type: 'discard', size: 1, reason: 'checksum' }
    const size = marker + 2 + trailerBytes(this.#options)
    if (size > this.maxFrameBytes) return { type: 'discard', size: 1, reason: 'too-long' }
    if (size > buffer.length) return { type: 'wait', doubtful: 1 }
    const payload = undoubled(buffer.subarray(2, marker))
    const expected = makeTrailer(this.#options, concatBytes([payload, Uint8Array.of(ETX)]))
    if (!equalBytes(expected, buffer.subarray(marker + 2, size)))
      return { type: 'discard', size: 1, reason: 'checksum' }
    return { type: 'frame', size, payload }
  }

  /** The first DLE behind the start that is not half of a doubled one, and has a second byte. */
  #nextMarker(buffer: Uint8Array): number | undefined {
    const window = buffer.subarray(0, this.maxFrameBytes)
    let marker = window.indexOf(DLE, 2)
    while (marker >= 0 && window[marker + 1] === DLE) marker = window.indexOf(DLE, marker + 2)
    return marker < 0 || marker + 1 >= window.length ? undefined : marker
  }
}

export function encodeDle(options: StxEtxOptions, payload: Uint8Array): Uint8Array {
  const doubled = [...payload].flatMap(byte => (byte === DLE ? [DLE, DLE] : [byte]))
  const covered = concatBytes([payload, Uint8Array.of(ETX)])
  const end = Uint8Array.of(DLE, ETX)
  return concatBytes([START, Uint8Array.from(doubled), end, makeTrailer(options, covered)])
}

function undoubled(body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(body.length)
  let length = 0
  let isSecond = false
  for (const byte of body) {
    isSecond = byte === DLE && !isSecond
    if (byte !== DLE || isSecond) bytes[length++] = byte
  }
  return bytes.subarray(0, length)
}
