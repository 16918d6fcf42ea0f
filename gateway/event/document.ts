import { z } from 'zod'
import type { EventTypeDefinition } from './event-type.js'
import { text } from './field.js'

/** What a document is for. The last two are the gateway's own. */
export const documentKind = z.enum(['prices', 'stock', 'messages', 'configuration', 'profiles'])

export type DocumentKind = z.infer<typeof documentKind>

/** Which document, and which bytes: SHA-256 in base64url. */
const which = {
  document: text,
  version: z.int().min(1),
  kind: documentKind,
  sha256: z.string().length(43),
} as const

/** A version is whole in the store, verified, and in the place of the one before. */
const documentReceived = {
  class: 'ledger',
  version: 1,
  data: z.strictObject({
    ...which,
    bytes: z.int().min(1),
    /** Who is to apply it: terminals, or `gateway`. */
    targets: z.array(text).max(500),
  }),
} as const satisfies EventTypeDefinition

/** A version came whole and is not used: the one before stays. */
const documentRefused = {
  class: 'ledger',
  version: 1,
  /** With the line that is wrong. */
  data: z.strictObject({ ...which, reason: z.string().max(400) }),
} as const satisfies EventTypeDefinition

/** This terminal, or the gateway, works by this version from now on. */
const documentApplied = {
  class: 'ledger',
  version: 1,
  data: z.strictObject({
    ...which,
    /** Lines that were pushed, and those of them that the terminal did not take. */
    lines: z.int().min(0),
    refused: z.int().min(0),
    /** Those of which nobody knows whether it took them: they were not pushed again. */
    doubtful: z.int().min(0),
    /** What it said of the first one that it did not take. */
    reason: z.string().max(400).exactOptional(),
  }),
} as const satisfies EventTypeDefinition

export const documentTypes = {
  'document.received': documentReceived,
  'document.refused': documentRefused,
  'document.applied': documentApplied,
} as const
