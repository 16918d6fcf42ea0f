import type { HeldClaim } from '../core/claims.js'
import { identityHash, identityOf } from '../event/event-identity.js'
import type { JournalRecord } from '../wire/record.js'
import { claimKey, placeBytes } from './keys.js'

/** What a record holds of the dedupe memory; with its body gone nobody could tell any more. */
export function claimsOf(record: Pick<JournalRecord, 'header' | 'body'>): readonly HeldClaim[] {
  const { header, body } = record
  const identity = body.type === 'event' ? identityOf(body.bytes) : undefined
  if (!identity?.ok) return []
  const { dataDigest: digest } = identity.value
  return [{ key: claimKey(identityHash(identity.value)), digest, place: placeBytes(header) }]
}
