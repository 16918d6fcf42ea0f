import { sum8 } from '../../line/checksum/sum8.js'

/** Who said it: the machine's controller (VMC), or the peripheral that it spoke to last. */
export type Speaker = 'vmc' | 'peripheral'

/** A byte of the bus, with the ninth bit that tells addresses and last bytes from the others. */
export interface BusByte {
  readonly byte: number
  readonly mode: boolean
}

export const ACK = 0x00
export const NAK = 0xff
/** VMC only: say it again. */
export const RET = 0xaa

const SPEAKERS: readonly Speaker[] = ['peripheral', 'vmc']

/** A payload of `MdbFramer`: who said it, then the bytes as they stand on the bus. */
export function readMdbPayload(payload: Uint8Array):
  | {
      readonly speaker: Speaker
      /** Without checksum; a single byte is ACK, NAK or RET and has none. */
      readonly data: Uint8Array
      readonly isSingle: boolean
    }
  | undefined {
  const speaker = SPEAKERS[payload[0] ?? SPEAKERS.length]
  if (speaker === undefined || payload.length < 2) return undefined
  const isSingle = payload.length === 2
  return { speaker, isSingle, data: isSingle ? payload.subarray(1) : payload.subarray(1, -1) }
}

export function mdbPayload(speaker: Speaker, bytes: Uint8Array): Uint8Array {
  return Uint8Array.of(SPEAKERS.indexOf(speaker), ...bytes)
}

/**
 * The bytes of a message as a tty with space parity and PARMRK gives them: FF 00 before a byte
 * whose ninth bit is set, and FF twice for FF (termios(3)).
 */
export function encodeMdb(speaker: Speaker, data: Uint8Array): Uint8Array {
  return markedBytes(speaker, Uint8Array.of(...data, sum8(data)))
}

/** The same for bytes that hold their checksum, or a single one. */
export function markedBytes(speaker: Speaker, bytes: Uint8Array): Uint8Array {
  const marked = speaker === 'vmc' && bytes.length > 1 ? 0 : bytes.length - 1
  const isMarked = (at: number): boolean =>
    at === marked && (speaker === 'peripheral' || bytes.length > 1)
  return Uint8Array.from(
    [...bytes].flatMap((byte, at) => {
      if (isMarked(at)) return [0xff, 0x00, byte]
      return byte === 0xff ? [0xff, 0xff] : [byte]
    }),
  )
}
