import { createHash } from 'node:crypto'
import { z } from 'zod'
import { storeIdSchema } from '../core/id-schema.js'
import { LIMITS } from '../core/limits.js'
import { fail, ok, type Result } from '../core/result.js'
import { decodeJson, describeIssues, parseWith } from '../core/schema.js'
import { documentKind } from '../event/document.js'

/** A level of a topic. */
const documentName = z.string().regex(/^[a-z0-9-]{1,40}$/)
/** SHA-256 in base64url without padding. */
const digest = z.string().regex(/^[A-Za-z0-9_-]{43}$/)

/** What HQ signs of a document: its bytes are known by it, wherever they come from. */
export const documentManifest = z.strictObject({
  v: z.literal(1),
  name: documentName,
  /** Greater than that of every one before: also where an older text is published again. */
  version: z.int().min(1),
  kind: documentKind,
  /** Whose it is; `hq`: every store's. */
  store: z.union([z.literal('hq'), storeIdSchema]),
  bytes: z.int().min(1).max(LIMITS.documentBytes),
  sha256: digest,
  /** Of each chunk of LIMITS.documentChunkBytes, the last one shorter. */
  chunks: z.array(digest).min(1),
})

export type DocumentManifest = z.infer<typeof documentManifest>

export function decodeManifest(payload: Uint8Array): Result<DocumentManifest, string> {
  const manifest = decodeJson(documentManifest, payload)
  if (!manifest.ok) return manifest
  const { bytes, chunks } = manifest.value
  return chunks.length === Math.ceil(bytes / LIMITS.documentChunkBytes)
    ? manifest
    : fail(`chunks: ${chunks.length} are not those of ${bytes} bytes`)
}

/** A document as it goes out: what HQ signs of it, and the chunks that this names. */
export interface OutgoingDocument {
  readonly manifest: DocumentManifest
  readonly chunks: readonly Uint8Array[]
}

export function outgoingDocument(
  said: Pick<DocumentManifest, 'name' | 'version' | 'kind' | 'store'>,
  bytes: Uint8Array,
): Result<OutgoingDocument, string> {
  const chunks = chunksOf(bytes)
  const manifest = parseWith(documentManifest, {
    v: 1,
    ...said,
    bytes: bytes.length,
    sha256: digestOfBytes(bytes),
    chunks: chunks.map(digestOfBytes),
  })
  return manifest.ok
    ? ok({ manifest: manifest.value, chunks })
    : fail(describeIssues(manifest.error))
}

export function digestOfBytes(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64url')
}

function chunksOf(bytes: Uint8Array): readonly Uint8Array[] {
  const size = LIMITS.documentChunkBytes
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) =>
    bytes.subarray(n * size, (n + 1) * size),
  )
}
