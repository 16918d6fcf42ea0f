import { z } from 'zod'
import { fail, ok, type Result } from '../core/result.js'
import { decodeJson } from '../core/schema.js'

const head = z.strictObject({
  v: z.literal(1),
  id: z.string().max(40),
  /** Counted from 0. */
  n: z.int().min(0),
  /** Nothing follows it; it may be empty. */
  last: z.boolean(),
})

const LINE_FEED = 0x0a

/** A piece of an answer that is longer than an outcome: a line of JSON, LF, the bytes. */
export type AnswerChunk = Omit<z.infer<typeof head>, 'v'> & { readonly bytes: Uint8Array }

export function encodeAnswerChunk({ bytes, ...chunk }: AnswerChunk): Uint8Array {
  return Buffer.concat([Buffer.from(`${JSON.stringify({ v: 1, ...chunk })}\n`), bytes])
}

export function decodeAnswerChunk(payload: Uint8Array): Result<AnswerChunk, string> {
  const end = payload.indexOf(LINE_FEED)
  if (end < 0) return fail('a chunk without a head')
  const decoded = decodeJson(head, payload.subarray(0, end))
  if (!decoded.ok) return decoded
  const { v: _, ...chunk } = decoded.value
  return ok({ ...chunk, bytes: payload.subarray(end + 1) })
}
