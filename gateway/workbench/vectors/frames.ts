import { fromHex } from '../../core/bytes.js'
import type { Framer } from '../../line/framing/framer.js'
import type { Reading } from '../../protocol/protocol.js'
import type { Observed } from './adapter.js'
import type { Vector } from './vector.js'

/** The bytes of a vector as the framer sees them, chunk by chunk where it says how they arrive. */
export function framesOf(
  framer: Framer,
  vector: Pick<Vector, 'hex' | 'chunks'>,
): { readonly payloads: readonly Uint8Array[]; readonly error: string } {
  const chunks = (vector.chunks ?? [vector.hex]).map(fromHex)
  const outputs = [...chunks.flatMap(chunk => framer.push(chunk)), ...framer.idle()]
  const discarded = outputs.find(output => output.type === 'discarded')
  return {
    // A single byte is an answer between two frames.
    payloads: outputs.flatMap(output =>
      output.type === 'frame' && output.payload.length > 1 ? [output.payload] : [],
    ),
    error: discarded?.type === 'discarded' ? discarded.reason : 'idle',
  }
}

/** That a sound frame says what may not be believed, and why. */
export function refusal(reading: Reading): Observed {
  return reading.type === 'rejected' ? { ok: false, error: reading.issue } : {}
}
