import { z } from 'zod'
import { LIMITS } from '../../core/limits.js'
import { CHECKSUM_NAMES } from '../checksum/catalog.js'

/** Bytes as a profile writes them: `"0d0a"`. Quoted, or YAML reads digits as a number. */
export const hexBytes = z
  .string()
  .regex(/^([0-9a-fA-F]{2})+$/, 'expected bytes in hexadecimal, such as "0d0a", in quotes')

/** How a frame ends that carries a checksum. */
export const checksumFields = {
  checksum: z.enum([...CHECKSUM_NAMES, 'none']),
  /** Which byte of a two-byte checksum comes first: `big` is high, low. */
  checksumEndian: z.enum(['big', 'little']).default('big'),
  /** `hex`: written as digits, "4F" for 79, as text protocols do; `hex-lower`: "4f"; else bytes. */
  checksumEncoding: z.enum(['binary', 'hex', 'hex-lower']).exactOptional(),
  /** What stands behind the checksum, such as a line end; in no checksum. */
  tail: hexBytes.exactOptional(),
}

/** Where what the checksum covers ends: in front of the frame's end mark, or behind it. */
export const checksumTo = z.enum(['payload', 'end']).exactOptional()

/** The whole frame as it stands on the line, markers and checksum counted. */
export const maxFrameBytes = z.int().min(8).max(LIMITS.frameBytes).default(4096)

/**
 * Bytes that are frames of their own between two others ("0615": ACK and NAK), for links that drive
 * a terminal.
 */
export const controls = hexBytes.exactOptional()
