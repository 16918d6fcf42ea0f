import { fromHex } from '../../core/bytes.js'
import { BufferedFramer, type Verdict } from '../../line/framing/buffered-framer.js'
import { asciiLrc } from './adu.js'

const START = 0x3a
const END = 0x0a
/** `:`, 253 bytes of PDU beside address and LRC in two digits each, CR LF. */
const MOST_ASCII_BYTES = 513
const LINE = /^:((?:[0-9A-F]{2})+)\r\n$/

/** Frames of Modbus ASCII; a payload is address and PDU in bytes, as of RTU. */
export class AsciiFramer extends BufferedFramer {
  constructor() {
    super(MOST_ASCII_BYTES)
  }

  // A `:` begins anew wherever it stands: what was before it has lost its end.
  protected override judge(buffer: Uint8Array): Verdict {
    const start = buffer.indexOf(START)
    if (start !== 0)
      return { type: 'discard', size: start < 0 ? buffer.length : start, reason: 'noise' }
    const within = buffer.subarray(0, MOST_ASCII_BYTES)
    const [again, end] = [within.indexOf(START, 1), within.indexOf(END)]
    if (again > 0 && (end < 0 || again < end))
      return { type: 'discard', size: again, reason: 'noise' }
    if (end >= 0) return judgeLine(buffer.subarray(0, end + 1))
    if (within.length === MOST_ASCII_BYTES) return { type: 'discard', size: 1, reason: 'too-long' }
    return { type: 'wait', doubtful: within.length }
  }
}

function judgeLine(line: Uint8Array): Verdict {
  const size = line.length
  const [, digits] = LINE.exec(Buffer.from(line).toString('latin1')) ?? []
  const bytes = fromHex(digits ?? '')
  const message = bytes.subarray(0, -1)
  if (message.length < 2) return { type: 'discard', size, reason: 'noise' }
  if (asciiLrc(message) !== bytes.at(-1)) return { type: 'discard', size, reason: 'checksum' }
  return { type: 'frame', size, payload: message }
}
