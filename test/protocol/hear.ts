import type { Random } from '../../gateway/core/random.js'
import type { LinkInput } from '../../gateway/line/link/link.js'
import type { Protocol, Reading } from '../../gateway/protocol/protocol.js'

/** What a protocol makes of these bytes, its timers running off as soon as they are set. */
export function hear(protocol: Protocol, bytes: Uint8Array): readonly Reading[] {
  const { link } = protocol
  const framer = protocol.createFramer()
  const readings: Reading[] = []
  let { state, effects } = link.next(link.initial, { type: 'opened' })
  const feed = (input: LinkInput): void => {
    const step = link.next(state, input)
    state = step.state
    effects = step.effects
    for (const effect of effects)
      if (effect.type === 'deliver') readings.push(protocol.read(effect.payload))
  }
  for (const output of [...framer.push(bytes), ...framer.idle()]) {
    if (effects.some(effect => effect.type === 'timer')) feed({ type: 'elapsed', atMs: 0 })
    feed({ type: 'framed', output, atMs: 0 })
  }
  return readings
}

/** One byte changed. */
export function changed(bytes: Uint8Array, random: Random): Uint8Array {
  const at = Math.floor(random.unit() * bytes.length)
  const other = (bytes[at] ?? 0) ^ (1 + Math.floor(random.unit() * 255))
  return bytes.with(at, other)
}

/** One byte lost, or doubled. */
export function shifted(bytes: Uint8Array, random: Random): Uint8Array {
  const at = Math.floor(random.unit() * bytes.length)
  const kept = random.unit() < 0.5 ? [] : [bytes[at] ?? 0, bytes[at] ?? 0]
  return Uint8Array.of(...bytes.subarray(0, at), ...kept, ...bytes.subarray(at + 1))
}
