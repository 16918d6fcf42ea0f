import { sum8 } from '../../line/checksum/sum8.js'
import {
  BufferedFramer,
  type FinalVerdict,
  type Verdict,
} from '../../line/framing/buffered-framer.js'
import { commandLengths } from './mdb-command.js'
import { ACK, type BusByte, mdbPayload, NAK, RET, type Speaker } from './mdb-frame.js'

/** The longest block of MDB, checksum included. */
const MAX_MESSAGE_BYTES = 37
/** Each byte of it as FF 00 and itself. */
export const MAX_MDB_FRAME_BYTES = MAX_MESSAGE_BYTES * 3

interface Token extends BusByte {
  /** How many bytes of the stream it takes. */
  readonly size: number
}

/**
 * Messages of both sides of an MDB bus, from a stream in which the ninth bit is written as
 * `FF 00 byte` (`encodeMdb`). A controller's message begins with that bit, a peripheral's ends with
 * it. Source: NAMA, MDB/ICP 4.3.
 */
export class MdbFramer extends BufferedFramer {
  constructor() {
    super(MAX_MDB_FRAME_BYTES)
  }

  protected override judge(buffer: Uint8Array): Verdict {
    const tokens = tokensOf(buffer)
    const first = tokens[0]
    if (first === undefined)
      return buffer[0] === 0xff && startsToken(buffer)
        ? { type: 'wait', doubtful: 1 }
        : { type: 'discard', size: 1, reason: 'noise' }
    return first.mode ? judgeMarked(tokens, buffer) : judgeUnmarked(tokens, buffer)
  }

  protected override judgeSilent(buffer: Uint8Array): FinalVerdict {
    const verdict = this.judge(buffer)
    if (verdict.type !== 'wait') return verdict
    const [first, ...others] = tokensOf(buffer)
    // The controller's answer, behind which nothing came.
    if (others.length === 0 && first !== undefined && isControllerAnswer(first))
      return frameOf('vmc', [first])
    return { type: 'discard', size: first?.size ?? 1, reason: 'idle' }
  }
}

/** A controller's message; or a peripheral's answer, which is one byte. */
function judgeMarked(tokens: readonly Token[], buffer: Uint8Array): Verdict {
  const [first, ...behind] = tokens
  if (first === undefined) return { type: 'wait', doubtful: 1 }
  if (first.byte === ACK || first.byte === NAK) return frameOf('peripheral', [first])
  const end = behind.findIndex(({ mode }) => mode)
  const own = [first, ...(end < 0 ? behind : behind.slice(0, end))]
  const data = Uint8Array.from(own, ({ byte }) => byte)
  const lengths = commandLengths(data).map(length => length + 1)
  const length = lengths.find(
    size => size <= own.length && sum8(data.subarray(0, size - 1)) === data[size - 1],
  )
  if (length !== undefined) return frameOf('vmc', own.slice(0, length))
  const longest = Math.max(2, ...lengths)
  if (end < 0 && own.length < longest && !isFull(own, buffer))
    return { type: 'wait', doubtful: first.size }
  return { type: 'discard', size: first.size, reason: 'checksum' }
}

/** A peripheral's message up to the ninth bit; or a controller's answer, which is one byte. */
function judgeUnmarked(tokens: readonly Token[], buffer: Uint8Array): Verdict {
  const [first] = tokens
  if (first === undefined) return { type: 'wait', doubtful: 1 }
  const end = tokens.findIndex(({ mode }) => mode)
  if (end < 0)
    return isFull(tokens, buffer)
      ? { type: 'discard', size: first.size, reason: 'too-long' }
      : { type: 'wait', doubtful: first.size }
  const own = tokens.slice(0, end + 1)
  const data = Uint8Array.from(own, ({ byte }) => byte)
  if (sum8(data.subarray(0, -1)) === data.at(-1)) return frameOf('peripheral', own)
  if (isControllerAnswer(first)) return frameOf('vmc', [first])
  return { type: 'discard', size: first.size, reason: 'checksum' }
}

function isControllerAnswer({ byte, mode }: Token): boolean {
  return !mode && (byte === ACK || byte === NAK || byte === RET)
}

/** No further token can be looked at. */
function isFull(tokens: readonly Token[], buffer: Uint8Array): boolean {
  return tokens.length >= MAX_MESSAGE_BYTES || buffer.length >= MAX_MDB_FRAME_BYTES
}

function frameOf(speaker: Speaker, tokens: readonly Token[]): Extract<Verdict, { type: 'frame' }> {
  const size = tokens.reduce((sum, token) => sum + token.size, 0)
  const bytes = Uint8Array.from(tokens, ({ byte }) => byte)
  return { type: 'frame', size, payload: mdbPayload(speaker, bytes) }
}

/** The bus bytes that stand whole at the front, no more than one message can hold. */
function tokensOf(buffer: Uint8Array): readonly Token[] {
  const tokens: Token[] = []
  for (let at = 0; tokens.length < MAX_MESSAGE_BYTES; at += tokens.at(-1)?.size ?? 0) {
    const byte = buffer[at]
    if (byte === undefined) break
    const second = buffer[at + 1]
    const third = buffer[at + 2]
    if (byte !== 0xff) tokens.push({ byte, mode: false, size: 1 })
    else if (second === 0xff) tokens.push({ byte, mode: false, size: 2 })
    else if (second === 0x00 && third !== undefined)
      tokens.push({ byte: third, mode: true, size: 3 })
    else break
  }
  return tokens
}

/** Whether what follows the FF may still make a token of it. */
function startsToken(buffer: Uint8Array): boolean {
  return buffer.length === 1 || (buffer.length === 2 && buffer[1] === 0x00)
}
