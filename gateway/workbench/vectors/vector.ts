import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { messageOf } from '../../core/errors.js'
import { fail, ok, type Result } from '../../core/result.js'
import { describeIssues, parseJson, parseWith } from '../../core/schema.js'

const hex = z.string().regex(/^([0-9a-fA-F]{2})*$/, 'expected hexadecimal bytes')

const vectorSchema = z.object({
  name: z.string(),
  source: z.string().default(''),
  /** The protocol, or the layer of one: `zvt-serial`, `zvt-apdu`. */
  protocol: z.string(),
  direction: z.string().default(''),
  hex: hex.default(''),
  /** The same bytes as separate reads. */
  chunks: z.array(hex).exactOptional(),
  /** Who says what, in order: `[who, hex]`. */
  dialog: z.array(z.tuple([z.string(), hex])).exactOptional(),
  /** Of an encrypted advertisement: its key, and the address that it came from. */
  bindkey: hex.exactOptional(),
  address: z.string().exactOptional(),
  expect: z.record(z.string(), z.unknown()),
})

/** Bytes, and what a source outside this project says that they mean. */
export type Vector = z.output<typeof vectorSchema>

/** The vectors of one file, or why it holds none. */
export async function readVectors(path: string): Promise<Result<readonly Vector[], string>> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (thrown) {
    return fail(`${path}: ${messageOf(thrown)}; write the path of a file of vectors`)
  }
  const json = parseJson(text)
  if (!json.ok) return fail(`${path}: expected a JSON array of vectors: ${json.error}`)
  const vectors = parseWith(z.array(vectorSchema), json.value)
  return vectors.ok ? ok(vectors.value) : fail(`${path}: ${describeIssues(vectors.error)}`)
}
