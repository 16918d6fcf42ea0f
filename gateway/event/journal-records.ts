import { z } from 'zod'
import type { EventTypeDefinition } from './event-type.js'
import { amountMinor, businessDay, currency, hex, text } from './field.js'

/** Ed25519 public key of the store, 32 bytes, and its signature, 64 bytes. */
const publicKey = hex.length(64)
const signature = hex.length(128)

/**
 * The store's signature over the chain up to the record before this one; what exactly is signed is
 * said in security/signed-event.ts.
 */
const journalCheckpoint = {
  class: 'ledger',
  version: 1,
  data: z.strictObject({
    epoch: text,
    /** Number and chain hash of the record right before it, and with it of all before. */
    seq: z.int().min(1),
    head: hex.length(64),
    publicKey,
    signature,
  }),
} as const satisfies EventTypeDefinition

/**
 * `damaged`: the disk does not give back what was written to it; `tail-lost`: the newest records of
 * an epoch are gone, as if they had never been.
 */
export const gapKind = z.enum(['damaged', 'tail-lost'])

/** Records that were journaled once and can no longer be read: HQ names the gap. */
const journalGap = {
  class: 'ledger',
  version: 1,
  data: z.strictObject({
    epoch: text,
    first: z.int().min(1),
    last: z.int().min(1),
    kind: gapKind,
    /** What was found, and where the damaged files were put. */
    cause: text,
    /** Chain hash of the record `last`, where it is known: what comes after continues it. */
    head: hex.length(64).exactOptional(),
  }),
} as const satisfies EventTypeDefinition

/** From here on the store signs with another key than before. */
const journalKeyChanged = {
  class: 'ledger',
  version: 1,
  data: z.strictObject({
    publicKey,
    /** The key of the checkpoints before. */
    previous: publicKey,
    /** Why: the old one was missing, damaged, or another was put in its place. */
    cause: text,
  }),
} as const satisfies EventTypeDefinition

const seq = z.int().min(1)

/** Records of one day, terminal and type that a statement covers, and what they add up to. */
const statementEntry = z.strictObject({
  /** `businessday` of the events, or else the local date of their `time`. */
  day: businessDay,
  terminal: text,
  type: text,
  /** Sales that moved no goods or money: of a training, or printed once more. */
  mark: z.enum(['training', 'reprint']).exactOptional(),
  /** How payments were made; on a sale's type: its tenders of this type, not the sales. */
  method: text.exactOptional(),
  currency: currency.exactOptional(),
  count: z.int().min(1),
  /** Totals of sales, amounts of payments or tenders; absent where events hold no money. */
  sumMinor: amountMinor.exactOptional(),
})

/**
 * What the journal holds, signed: of all records since the statement before, so that each record is
 * in exactly one statement. Made at the end of the store's day.
 */
const journalStatement = {
  class: 'ledger',
  version: 1,
  data: z.strictObject({
    /** The local date that ended with it, by the gateway's clock. */
    day: businessDay,
    /** What it covers, oldest first; `head` is the chain hash of `last`. */
    ranges: z.array(z.strictObject({ epoch: text, first: seq, last: seq, head: hex.length(64) })),
    /** What could not be read any more, or had to make room: it is in no sum. */
    unreadable: z.array(z.strictObject({ epoch: text, first: seq, last: seq })),
    /** Records of the ranges, of any class. */
    records: z.int().min(0),
    /** Those of class `ledger`: the others may be evicted. */
    entries: z.array(statementEntry),
    /** `event.conflict` and `journal.gap` among them, and events that are possible repeats. */
    conflicts: z.int().min(0),
    gaps: z.int().min(0),
    possibleRepeats: z.int().min(0),
    publicKey,
    signature,
  }),
} as const satisfies EventTypeDefinition

export const journalTypes = {
  'journal.checkpoint': journalCheckpoint,
  'journal.key-changed': journalKeyChanged,
  'journal.statement': journalStatement,
  'journal.gap': journalGap,
} as const
