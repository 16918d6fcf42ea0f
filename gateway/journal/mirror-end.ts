import { z } from 'zod'
import type { Database, Operation } from '../core/database.js'
import { epochIdSchema } from '../core/id-schema.js'
import { epochOrdinal } from '../core/ids.js'
import type { Digest } from '../wire/record.js'
import { readEpochs } from './begin-epoch.js'
import { loadEpochs } from './epoch-state.js'
import { RECORD_KEYS, recordKey } from './keys.js'
import { readUnverified } from './stored-record.js'

export const mirrorEnd = z.object({
  epoch: epochIdSchema,
  seq: z.int().min(1),
  /** Chain hash of that record. */
  hash: z.string(),
})

/** The newest record of a journal or of its copy. */
export type MirrorEnd = z.infer<typeof mirrorEnd>

/** A record that a write puts, and the chain hash of the one before it, where it says that. */
export interface PutRecord extends MirrorEnd {
  readonly previous: Digest | undefined
}

/** Every record that is put by these operations; bodies that were evicted since are put again. */
export function* recordsIn(operations: readonly Operation[]): Generator<PutRecord> {
  for (const operation of operations) {
    if (operation.type !== 'put' || operation.key[0] !== RECORD_KEYS.gte[0]) continue
    const stored = readUnverified(operation.value)
    if (stored === undefined) continue
    const { record, previous } = stored
    const { epoch, seq } = record.header
    yield { epoch, seq, hash: record.hash, previous }
  }
}

/** The newer of two ends; with equal ordinals of two epochs the first. */
export function newerEnd(one: MirrorEnd | undefined, { epoch, seq, hash }: MirrorEnd): MirrorEnd {
  const other = { epoch, seq, hash }
  if (one === undefined) return other
  const [ordinal, otherOrdinal] = [epochOrdinal(one.epoch), epochOrdinal(other.epoch)]
  if (ordinal !== otherOrdinal) return ordinal < otherOrdinal ? other : one
  return one.seq < other.seq ? other : one
}

/** Whether no record is missing between the newest one and one that is put behind it. */
export function continues(end: MirrorEnd | undefined, put: PutRecord): boolean {
  if (end === undefined || newerEnd(end, put) === end) return true
  return put.previous === undefined || put.previous === end.hash
}

export function isSameEnd(one: MirrorEnd | undefined, other: MirrorEnd | undefined): boolean {
  return one?.epoch === other?.epoch && one?.seq === other?.seq && one?.hash === other?.hash
}

/** The newest record of a journal; nothing where it never had one. */
export async function endOfJournal(database: Database): Promise<MirrorEnd | undefined> {
  const { tail } = await readEpochs(database)
  if (tail === undefined) return undefined
  return { epoch: tail.state.epoch, seq: tail.state.last, hash: tail.head }
}

/** Whether a journal has that record, or had it until it was confirmed and trimmed. */
export async function includes(database: Database, end: MirrorEnd): Promise<boolean> {
  const states = await loadEpochs(database)
  const state = states.find(({ epoch }) => epoch === end.epoch)
  const [oldest] = states
  if (state === undefined)
    return oldest !== undefined && epochOrdinal(end.epoch) < epochOrdinal(oldest.epoch)
  if (end.seq < state.first) return true
  const value = await database.get(recordKey(end))
  return value !== undefined && readUnverified(value)?.record.hash === end.hash
}
