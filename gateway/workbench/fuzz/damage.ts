import { concatBytes } from '../../core/bytes.js'
import type { Random } from '../../core/random.js'

/** What happened to a frame: one byte changed, or more than that. */
export type Severity = 'single' | 'several'

export interface Damaged {
  readonly severity: Severity
  readonly bytes: Uint8Array
}

/** Bytes that mean something to framers. */
const CONTROLS = [0x02, 0x03, 0x04, 0x05, 0x06, 0x0a, 0x0d, 0x10, 0x15, 0x1b, 0x1d, 0x7f, 0xff]

/**
 * A frame as lines, adapters and wrong settings damage it; `other` is what else was said on the
 * line. Half of the time one byte is changed, most likely into another digit: what is hardest to
 * see.
 */
export function damage(
  frame: Uint8Array,
  options: { readonly other: Uint8Array; readonly random: Random },
): Damaged {
  const { other, random } = options
  const upTo = (count: number): number => Math.floor(random.unit() * count)
  const kind = random.unit()
  if (kind < 0.5) return { severity: 'single', bytes: changed(frame, { times: 1, random }) }
  if (kind < 0.7) return several(changed(frame, { times: 2 + upTo(3), random }))
  const at = upTo(frame.length)
  const [front, back] = [frame.subarray(0, at), frame.subarray(at)]
  if (kind < 0.76) return several(concatBytes([front, frame.subarray(at + 1 + upTo(3))]))
  if (kind < 0.82) return several(concatBytes([front, controls(1 + upTo(3), random), back]))
  if (kind < 0.86) return several(front)
  if (kind < 0.9) return several(concatBytes([front, other.subarray(upTo(other.length))]))
  if (kind < 0.94) return several(concatBytes([front, other, back]))
  // As a wrong baud rate or parity garbles everything.
  if (kind < 0.97) return several(frame.map(byte => (byte ^ (1 << upTo(8))) & 0xff))
  return several(random.bytes(1 + upTo(400)))
}

function several(bytes: Uint8Array): Damaged {
  return { severity: 'several', bytes }
}

function changed(
  frame: Uint8Array,
  options: { readonly times: number; readonly random: Random },
): Uint8Array {
  const { times, random } = options
  const bytes = Uint8Array.from(frame)
  for (let time = 0; time < times; time += 1) {
    const at = Math.floor(random.unit() * bytes.length)
    const digit = 0x30 + Math.floor(random.unit() * 10)
    const flipped = (bytes[at] ?? 0) ^ (1 << Math.floor(random.unit() * 8))
    bytes[at] = random.unit() < 0.5 ? digit : flipped
  }
  return bytes
}

function controls(count: number, random: Random): Uint8Array {
  return Uint8Array.from(
    { length: count },
    () => CONTROLS[Math.floor(random.unit() * CONTROLS.length)] ?? 0,
  )
}
