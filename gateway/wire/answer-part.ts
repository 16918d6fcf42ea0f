import { z } from 'zod'
import type { Result } from '../core/result.js'
import { decodeJson } from '../core/schema.js'

/** A line of an answer of remote diagnostics; the lines may come one by one, as things happen. */
const answerPart = z.strictObject({
  /** For people. */
  text: z.array(z.string()).exactOptional(),
  /** The same for programs. */
  data: z.unknown().optional(),
  /** A line for the file that is asked for: of a capture. */
  file: z.string().exactOptional(),
})

export type AnswerPart = z.infer<typeof answerPart>

/** Without the newline that ends it. */
export function encodeAnswerPart(part: AnswerPart): string {
  return JSON.stringify(part)
}

export function decodeAnswerPart(line: Uint8Array): Result<AnswerPart, string> {
  return decodeJson(answerPart, line)
}
