import { z } from 'zod'
import { isSignedType, readSignedEvent, type SignedEvent } from '../security/signed-event.js'
import type { Batch } from '../wire/batch.js'
import type { Digest, JournalRecord } from '../wire/record.js'
import type { StoreAudit, StoreState } from './store-state.js'

const checkpoint = z.object({ epoch: z.string(), seq: z.int(), head: z.string() })

/**
 * Verifies what a store signed of these records of its batch. The first key that it signs with
 * counts as its own; every other one has to be trusted by a person.
 */
export function auditSignatures(
  state: StoreState,
  batch: Batch,
  fresh: readonly JournalRecord[],
): StoreAudit {
  const { store, first, prev } = batch.header
  const alarms: string[] = []
  let keys = state.keys ?? []
  for (const record of fresh) {
    const { header, body } = record
    if (body.type !== 'event' || !isSignedType(header.type)) continue
    const where = `store ${store}, epoch ${header.epoch}, record ${header.seq}`
    const signed = readSignedEvent(body.bytes)
    if (!signed.ok) {
      alarms.push(`${where}: ${signed.error}`)
      continue
    }
    const { publicKey } = signed.value
    if (keys.length === 0) keys = [publicKey]
    if (!keys.includes(publicKey))
      alarms.push(
        `${where}: signed with key ${publicKey}, which is not the store's. If its card or key ` +
          'was replaced, say so with `tillbridge hq key --trust`; if not, somebody else signed.',
      )
    const previous = batch.records[header.seq - first - 1]?.hash ?? prev
    if (!speaksOf(signed.value, record, previous))
      alarms.push(`${where}: it signs something else than what the ledger holds there.`)
  }
  const isNew = keys !== state.keys && keys.length > 0
  // One text is enough to send someone to look; a store that lies could fill a log with them.
  return { state: isNew ? { ...state, keys } : state, alarms: alarms.slice(0, 1) }
}

function speaksOf(signed: SignedEvent, { header }: JournalRecord, previous: Digest): boolean {
  if (signed.type !== header.type) return false
  if (header.type !== 'journal.checkpoint') return true
  const stated = checkpoint.safeParse(signed.data)
  const { epoch, seq, head } = stated.data ?? {}
  return epoch === header.epoch && seq === header.seq - 1 && head === previous
}
