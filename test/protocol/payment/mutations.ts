import { systemClock } from '../../../gateway/core/clock.js'
import type { Random } from '../../../gateway/core/random.js'
import type { Event } from '../../../gateway/event/event.js'
import type { Dialect } from '../../../gateway/profile/dialect.js'
import { captureAt } from '../../contract/dialect.js'

/** One payment terminal, and how to have it approve something. */
export interface Approving {
  readonly dialect: Dialect
  readonly sample: (random: Random, amount: number) => Readonly<Record<string, unknown>>
  readonly held?: (values: Readonly<Record<string, unknown>>) => readonly Uint8Array[]
}

export interface MutationCount {
  readonly mutated: number
  /** Frames that the checksum let through. */
  readonly framed: number
  /** Of these, events with another amount than the terminal sent. */
  readonly wrong: number
  readonly bufferedBytes: number
}

const NOON_MS = Date.UTC(2026, 10, 22, 12)

/** Approvals of which two bytes, at random places, became any others. */
export function countMutations(
  { dialect, sample, held }: Approving,
  options: { readonly frames: number; readonly random: Random },
): MutationCount {
  const { frames, random } = options
  const below = (limit: number): number => Math.floor(random.unit() * limit)
  const capture = { ...captureAt(NOON_MS), clock: { ...systemClock, wallMs: () => NOON_MS } }
  const count = { mutated: 0, framed: 0, wrong: 0, bufferedBytes: 0 }
  for (; count.mutated < frames; count.mutated += 1) {
    const amount = 1 + below(900_000)
    const values = sample(random, amount)
    const bytes = Uint8Array.from(dialect.encode('approved', values))
    for (let hits = 0; hits < 2; hits += 1) bytes[below(bytes.length)] = below(256)
    const framer = dialect.createFramer()
    const outputs = framer.push(bytes)
    count.bufferedBytes = Math.max(count.bufferedBytes, framer.bufferedBytes)
    for (const output of [...outputs, ...framer.idle()]) {
      if (output.type !== 'frame' || output.payload.length === 1) continue
      count.framed += 1
      const decoded = dialect.decode(output.payload, capture, held?.(values))
      if (decoded.type === 'events' && decoded.events.some(event => statesOther(event, amount)))
        count.wrong += 1
    }
  }
  return count
}

function statesOther(event: Event, amount: number): boolean {
  return event.type === 'payment.approved' && event.data.amountMinor !== amount
}
