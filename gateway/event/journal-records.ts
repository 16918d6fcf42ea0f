import { z } from 'zod'
import type { EventTypeDefinition } from './event-type.js'
import { hex, text } from './field.js'

/** The store's signature over the chain up to the record before this one. */
const journalCheckpoint = {
  class: 'ledger',
  version: 1,
  data: z.strictObject({
    epoch: text,
    /** Number and chain hash of the record that it covers, and with it all before. */
    seq: z.int().min(1),
    head: hex,
    /** Ed25519 public key of the store, 32 bytes, and its signature, 64 bytes. */
    publicKey: hex.length(64),
    signature: hex.length(128),
  }),
} as const satisfies EventTypeDefinition

/** Records that were journaled once and can no longer be read: HQ names the gap. */
const journalGap = {
  class: 'ledger',
  version: 1,
  data: z.strictObject({
    epoch: text,
    first: z.int().min(1),
    /** Absent where nobody knows how far it went. */
    last: z.int().min(1).exactOptional(),
    /** What was found, and where the damaged files were put. */
    cause: text,
  }),
} as const satisfies EventTypeDefinition

export const journalTypes = {
  'journal.checkpoint': journalCheckpoint,
  'journal.gap': journalGap,
} as const
