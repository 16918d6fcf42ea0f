/** Who sent a PDU: the same bytes mean one thing asked and another answered. */
export type Direction = 'request' | 'reply'

/** Bytes that are always there, and which of them counts those that follow. */
interface Shape {
  readonly head: number
  readonly countAt?: number
  /** They are at least one, and so many or a multiple: registers have two bytes. */
  readonly step?: 1 | 2
  /** The count takes two bytes. */
  readonly isWide?: true
}

const EXCEPTION = 0x80
/** Of those with a meaning of their own; a device that lacks one refuses it. */
const LAST_FUNCTION = 24
const MEI = 0x2b
const DEVICE_IDENTIFICATION = 0x0e
/** Function, type, code, conformity, more, next, count. */
const IDENTITY_HEAD = 7

/** MODBUS Application Protocol V1.1b3, chapter 6. */
const REQUESTS: Readonly<Record<number, Shape>> = {
  1: { head: 5 },
  2: { head: 5 },
  3: { head: 5 },
  4: { head: 5 },
  5: { head: 5 },
  6: { head: 5 },
  7: { head: 1 },
  8: { head: 5 },
  11: { head: 1 },
  12: { head: 1 },
  15: { head: 6, countAt: 5 },
  16: { head: 6, countAt: 5 },
  17: { head: 1 },
  20: { head: 2, countAt: 1 },
  21: { head: 2, countAt: 1 },
  22: { head: 7 },
  23: { head: 10, countAt: 9 },
  24: { head: 3 },
}

const REPLIES: Readonly<Record<number, Shape>> = {
  1: { head: 2, countAt: 1, step: 1 },
  2: { head: 2, countAt: 1, step: 1 },
  3: { head: 2, countAt: 1, step: 2 },
  4: { head: 2, countAt: 1, step: 2 },
  5: { head: 5 },
  6: { head: 5 },
  7: { head: 2 },
  8: { head: 5 },
  11: { head: 5 },
  12: { head: 2, countAt: 1 },
  15: { head: 5 },
  16: { head: 5 },
  17: { head: 2, countAt: 1 },
  20: { head: 2, countAt: 1 },
  21: { head: 2, countAt: 1 },
  22: { head: 7 },
  23: { head: 2, countAt: 1, step: 2 },
  24: { head: 3, countAt: 1, step: 2, isWide: true },
}

/**
 * How many bytes the PDU has that begins so, the function code first: `more` where the bytes that
 * say it are still to come, `unknown` where no such PDU exists.
 */
export function pduBytes(start: Uint8Array, direction: Direction): number | 'more' | 'unknown' {
  const [code] = start
  if (code === undefined) return 'more'
  if (direction === 'reply' && code > EXCEPTION)
    return code <= EXCEPTION + LAST_FUNCTION || code === EXCEPTION + MEI ? 2 : 'unknown'
  if (code === MEI) return identificationBytes(start, direction)
  const shape = (direction === 'request' ? REQUESTS : REPLIES)[code]
  if (shape === undefined) return 'unknown'
  if (shape.countAt === undefined) return shape.head
  const last = start[shape.isWide === true ? shape.countAt + 1 : shape.countAt]
  if (last === undefined) return 'more'
  const count = shape.isWide === true ? (start[shape.countAt] ?? 0) * 256 + last : last
  const isWhole = shape.step === undefined || (count > 0 && count % shape.step === 0)
  return isWhole ? shape.head + count : 'unknown'
}

/** The objects of an answer each have a length of their own. */
function identificationBytes(start: Uint8Array, direction: Direction): number | 'more' | 'unknown' {
  if (start.length < 2) return 'more'
  if (start[1] !== DEVICE_IDENTIFICATION) return 'unknown'
  if (direction === 'request') return 4
  const count = start[IDENTITY_HEAD - 1]
  if (count === undefined) return 'more'
  let size = IDENTITY_HEAD
  for (let object = 0; object < count; object += 1) {
    const length = start[size + 1]
    if (length === undefined) return 'more'
    size += 2 + length
  }
  return size
}
