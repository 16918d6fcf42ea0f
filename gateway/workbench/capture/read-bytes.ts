import { readFile } from 'node:fs/promises'
import { fromHex } from '../../core/bytes.js'
import { messageOf, systemCodeOf } from '../../core/errors.js'
import { fail, ok, type Result } from '../../core/result.js'
import type { TimedBytes } from '../listen.js'
import { type CaptureHead, chunksOf, parseCapture } from './capture-file.js'

/** Bytes, and what a capture says of itself. */
export interface ReadBytes {
  readonly chunks: readonly TimedBytes[]
  readonly head?: CaptureHead
}

/**
 * What `given` names: hexadecimal bytes (blanks between them do not count), a file, or `-` for what
 * `stdin` yields; of a capture with its timing, of anything else at once.
 */
export async function readBytes(
  given: string,
  stdin: AsyncIterable<Uint8Array>,
): Promise<Result<ReadBytes, string>> {
  const typed = hexIn(given)
  if (typed !== undefined) return ok(atOnce(typed))
  try {
    const content = given === '-' ? await drain(stdin) : await readFile(given)
    const text = content.toString('latin1')
    if (!text.startsWith('{"format":')) return ok(atOnce(hexIn(text) ?? content))
    const capture = parseCapture(content.toString('utf8'))
    return capture.ok
      ? ok({ chunks: chunksOf(capture.value), head: capture.value.head })
      : fail(`${given}: ${capture.error}`)
  } catch (thrown) {
    if (systemCodeOf(thrown) !== 'ENOENT') return fail(`${given}: ${messageOf(thrown)}`)
    return fail(`${given}: expected a file, hexadecimal bytes or -; write \`02 31 03\``)
  }
}

function atOnce(bytes: Uint8Array): ReadBytes {
  return { chunks: bytes.length === 0 ? [] : [{ atMs: 0, from: 'terminal', bytes }] }
}

function hexIn(text: string): Uint8Array | undefined {
  const digits = text.replace(/0x|[\s:,]/gi, '')
  return /^([0-9a-f]{2})+$/i.test(digits) ? fromHex(digits) : undefined
}

async function drain(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const part of stream) parts.push(part)
  return Buffer.concat(parts)
}
