import { hash } from 'node:crypto'
import { z } from 'zod'
import { epochIdSchema } from '../core/id-schema.js'

import { fail, ok, type Result } from '../core/result.js'
import { describeIssues, parseJson, parseWith } from '../core/schema.js'

/** Every database that is to hold it gives it back as it was: no control characters, no U+0000. */
const printable = z.string().regex(/^[ -~]*$/)

/** What the chain fixes of a record besides its event. */
export const recordHeader = z.strictObject({
  epoch: epochIdSchema,
  /** From 1 within the epoch, without holes. */
  seq: z.int().min(1),
  class: z.enum(['ledger', 'telemetry', 'limited']),
  type: printable.max(60),
  /** Boot of the machine that wrote it (`/proc/sys/kernel/random/boot_id`). */
  boot: printable.max(40),
  /** Milliseconds of that boot's monotonic clock. */
  monotonicMs: z.int().min(0),
  clock: z.enum(['synced', 'unsure']),
})

export type RecordHeader = z.infer<typeof recordHeader>

/** SHA-256 as 64 lower-case hexadecimal digits. */
export type Digest = string

/**
 * An event in the journal: at (epoch, seq), and in the chain. An evicted one keeps only its digest.
 */
export interface JournalRecord {
  readonly header: RecordHeader
  readonly body:
    | { readonly type: 'event'; readonly bytes: Uint8Array }
    | { readonly type: 'evicted'; readonly digest: Digest }
  /** `chainHash` of the record before it, this header and this body. */
  readonly hash: Digest
}

/** What the first record of a journal's first epoch continues. */
export const GENESIS: Digest = '0'.repeat(64)

const TAB = 0x09

export function bodyDigest(body: JournalRecord['body']): Digest {
  return body.type === 'evicted' ? body.digest : hash('sha256', body.bytes, 'hex')
}

/**
 * SHA-256(previous hash ‖ header in canonical JSON ‖ SHA-256 of the event bytes); sync.md, Chain.
 */
export function chainHash(
  previous: Digest,
  record: Pick<JournalRecord, 'header' | 'body'>,
): Digest {
  const { header, body } = record
  const parts = [
    Buffer.from(previous, 'hex'),
    Buffer.from(spellHeader(header), 'utf8'),
    Buffer.from(bodyDigest(body), 'hex'),
  ]
  return hash('sha256', Buffer.concat(parts), 'hex')
}

/** The header in canonical JSON; its members are known, so it takes half the time. */
function spellHeader(header: RecordHeader): string {
  const { boot, class: kind, clock, epoch, monotonicMs, seq, type } = header
  const texts = `"boot":${JSON.stringify(boot)},"class":"${kind}","clock":"${clock}"`
  const place = `"epoch":"${epoch}","monotonicMs":${monotonicMs},"seq":${seq}`
  return `{${texts},${place},"type":${JSON.stringify(type)}}`
}

/**
 * A record as one line without its newline: header, TAB, event bytes (or the digest of evicted
 * ones).
 */
export function encodeRecordLine(record: Pick<JournalRecord, 'header' | 'body'>): Uint8Array {
  const { header, body } = record
  const head = Buffer.from(`${spellHeader(header)}\t`, 'utf8')
  return Buffer.concat([head, body.type === 'event' ? body.bytes : Buffer.from(body.digest)])
}

/** The inverse of `encodeRecordLine`; the event bytes are kept exactly, not parsed. */
export function decodeRecordLine(
  line: Uint8Array,
): Result<Pick<JournalRecord, 'header' | 'body'>, string> {
  const tab = line.indexOf(TAB)
  if (tab < 0) return fail('a record without TAB')
  const json = parseJson(Buffer.from(line.subarray(0, tab)).toString('utf8'))
  if (!json.ok) return json
  const header = parseWith(recordHeader, json.value)
  if (!header.ok) return fail(describeIssues(header.error))
  const bytes = line.subarray(tab + 1)
  if (bytes[0] === 0x7b) return ok({ header: header.value, body: { type: 'event', bytes } })
  const digest = Buffer.from(bytes).toString('latin1')
  if (!/^[0-9a-f]{64}$/.test(digest)) return fail('a record with neither event nor digest')
  return ok({ header: header.value, body: { type: 'evicted', digest } })
}
