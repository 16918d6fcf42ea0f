import { readDate, readTime } from '../../codec/date.js'
import { ByteReader, concatBytes, toHex } from '../../core/bytes.js'
import { fail, ok, type Result } from '../../core/result.js'
import type { Joined } from '../../line/link/blocks.js'

/** Set in the number of a frame that another one follows. */
const MORE = 0x80

export interface UposFrame {
  readonly number: number
  readonly more: boolean
  readonly data: Uint8Array
}

/** The frames in a payload, which is that of one frame or of several behind each other. */
export function uposFrames(payload: Uint8Array): Result<readonly UposFrame[], string> {
  const frames: UposFrame[] = []
  const reader = new ByteReader(payload)
  try {
    while (reader.remaining > 0) {
      const number = reader.uintBE(1)
      const data = reader.take(reader.uintBE(1))
      frames.push({ number: number & ~MORE, more: (number & MORE) !== 0, data })
    }
  } catch (thrown) {
    if (thrown instanceof RangeError) return fail('a frame ends beyond the message')
    throw thrown
  }
  return ok(frames)
}

export function joinUpos(held: readonly Uint8Array[], payload: Uint8Array): Joined {
  const [number = 0] = payload
  if ((number & ~MORE) !== held.length) return 'misfit'
  return (number & MORE) === 0 ? 'whole' : 'part'
}

/** What the frames of one message hold together. */
export function wholeUpos(payload: Uint8Array): Result<Uint8Array, string> {
  const frames = uposFrames(payload)
  if (!frames.ok) return frames
  const last = frames.value.length - 1
  const isWhole = frames.value.every(
    ({ number, more }, index) => number === index && more === index < last,
  )
  if (last < 0 || !isWhole) return fail('expected all frames of one message')
  return ok(concatBytes(frames.value.map(({ data }) => data)))
}

export const UPOS_COMMAND = { answer: 0x00, transaction: 0x6d, call: 0xa0, poll: 0xc0 } as const

/** A whole message: a command of the till, or of the terminal, or an answer (0) to one. */
export interface UposMessage {
  readonly command: number
  /** The same in a command and in its answer, but for the topmost bit. */
  readonly id: string
  readonly body: Uint8Array
}

export function readUpos(bytes: Uint8Array): Result<UposMessage, string> {
  const reader = new ByteReader(bytes)
  try {
    const command = reader.uintBE(1)
    const length = reader.uintLE(2)
    const id = toHex(reader.take(4))
    if (length !== reader.remaining) return fail('a length that is not the message\u2019s')
    return ok({ command, id, body: reader.take(length) })
  } catch (thrown) {
    if (thrown instanceof RangeError) return fail('shorter than its header')
    throw thrown
  }
}

/** What came of a payment. Its amount stands in the request alone. */
export interface UposResult {
  readonly responseCode: number
  readonly authorisationCode: string
  readonly reference: string
  readonly operationNumber: string
  readonly card: string
  readonly date: string | undefined
  readonly time: string | undefined
  readonly terminalId: string
  readonly cardScheme: string
}

/** Up to the name of the scheme; digests and tokens of the card follow, and are for nobody. */
const RESULT_BYTES = 136

export function readUposResult(body: Uint8Array): UposResult | undefined {
  if (body.length < RESULT_BYTES) return undefined
  const reader = new ByteReader(body)
  const text = (size: number): string => textOf(reader.take(size))
  const responseCode = reader.uintLE(2)
  const authorisationCode = text(7)
  const reference = text(13)
  const operationNumber = text(5)
  const card = text(20)
  reader.take(6 + 32) // Expiry date, and a text in a code page that differs between terminals.
  const date = readDate(digits(reader.uintLE(4), 8), 'YYYYMMDD')
  const time = readTime(digits(reader.uintLE(4), 6), 'HHMMSS')
  reader.take(1)
  return {
    responseCode,
    authorisationCode,
    reference,
    operationNumber,
    card,
    date: date.ok ? date.value : undefined,
    time: time.ok ? time.value : undefined,
    terminalId: text(9),
    cardScheme: text(16),
  }
}

/** Up to the first NUL; what is behind it was never written. */
function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0)
  return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString('latin1')
}

function digits(value: number, length: number): string {
  return String(value).padStart(length, '0')
}
