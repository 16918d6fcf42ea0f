import { z } from 'zod'
import { equalBytes, fromHex } from '../../core/bytes.js'
import { ControlFramer } from './control-framer.js'
import { DelimitedFramer, delimitedSchema, encodeDelimited } from './delimited.js'
import { DleFramer, encodeDle } from './dle.js'
import type { Framer } from './framer.js'
import { encodeIdleGap, IdleGapFramer, idleGapSchema } from './idle-gap.js'
import {
  encodeLengthPrefixed,
  LengthPrefixedFramer,
  lengthPrefixedSchema,
} from './length-prefixed.js'
import { encodeStxEtx, StxEtxFramer, stxEtxSchema } from './stx-etx.js'

/** How a dialect's frames are told apart, as its profile says it. */
export const framingSchema = z.discriminatedUnion('type', [
  delimitedSchema,
  stxEtxSchema,
  lengthPrefixedSchema,
  idleGapSchema,
])

export type FramingOptions = z.infer<typeof framingSchema>

/** A framer with an empty buffer: one for each time the line opens. */
export function createFramer(options: FramingOptions): Framer {
  const inner = createPlainFramer(options)
  const controls = 'controls' in options ? options.controls : undefined
  return controls === undefined ? inner : new ControlFramer({ inner, controls: fromHex(controls) })
}

function createPlainFramer(options: FramingOptions): Framer {
  switch (options.type) {
    case 'delimited':
      return new DelimitedFramer(options)
    case 'stx-etx':
      return options.dle ? new DleFramer(options) : new StxEtxFramer(options)
    case 'length-prefixed':
      return new LengthPrefixedFramer(options)
    case 'idle-gap':
      return new IdleGapFramer(options)
  }
}

/**
 * The payload as it goes out on the line, markers, checksum and all.
 * @throws RangeError where it cannot be framed: our own framer would not read this payload back.
 */
export function encodeFrame(options: FramingOptions, payload: Uint8Array): Uint8Array {
  const frame = encode(options, payload)
  const framer = createFramer(options)
  const [output, ...others] = [...framer.push(frame), ...framer.idle()]
  const isReadBack =
    output?.type === 'frame' && others.length === 0 && equalBytes(output.payload, payload)
  if (!isReadBack)
    throw new RangeError(`${payload.length} bytes cannot be framed as ${options.type}`)
  return frame
}

function encode(options: FramingOptions, payload: Uint8Array): Uint8Array {
  switch (options.type) {
    case 'delimited':
      return encodeDelimited(options, payload)
    case 'stx-etx':
      return options.dle ? encodeDle(options, payload) : encodeStxEtx(options, payload)
    case 'length-prefixed':
      return encodeLengthPrefixed(options, payload)
    case 'idle-gap':
      return encodeIdleGap(options, payload)
  }
}
