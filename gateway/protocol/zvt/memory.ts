import { z } from 'zod'
import { parseJson, parseWith } from '../../core/schema.js'

/**
 * What a till's command asks of the terminal, where it may move money. `hold`: a reservation, which
 * moves none yet; `adjust`: a part of one is booked or let go.
 */
const commandKind = z.enum(['authorise', 'refund', 'reverse', 'settle', 'hold', 'adjust'])
export type CommandKind = z.infer<typeof commandKind>

const approval = z.strictObject({
  /** The line was lost before it was completed. */
  isDoubtful: z.literal(true).exactOptional(),
  fields: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
})

const memorySchema = z.strictObject({
  /** The till's command of which nobody knows yet what came. */
  pending: z
    .strictObject({
      kind: commandKind,
      amountMinor: z.int().exactOptional(),
      currency: z.string().exactOptional(),
      /** It was said that nobody knows. */
      isUnknown: z.literal(true).exactOptional(),
    })
    .exactOptional(),
  /** The terminal was asked for its last status: the next one is no news. */
  asking: z.literal(true).exactOptional(),
  /** Which status came last. */
  last: z.string().exactOptional(),
  /** Approved, and not completed: an abort takes it back. */
  open: approval.exactOptional(),
})

/**
 * What has to be known of a terminal to understand its next message. It is kept with the events, so
 * that a restart between command and status loses nothing. It holds no card number.
 */
export type Memory = z.output<typeof memorySchema>
export type Pending = NonNullable<Memory['pending']>

export const NOTHING: Memory = {}

export function encodeMemory(memory: Memory): Uint8Array {
  return Buffer.from(JSON.stringify(memory), 'utf8')
}

/** What another version wrote and this one does not understand is forgotten: nothing is pending. */
export function decodeMemory(bytes: Uint8Array | undefined): Memory {
  if (bytes === undefined) return NOTHING
  const json = parseJson(Buffer.from(bytes).toString('utf8'))
  const memory = json.ok ? parseWith(memorySchema, json.value) : json
  return memory.ok ? memory.value : NOTHING
}
