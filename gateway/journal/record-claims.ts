import type { HeldClaim } from '../core/claims.js'
import { type EventIdentity, identityHash, identityOf } from '../event/event-identity.js'
import type { JournalRecord } from '../wire/record.js'
import { claimKey, type Place, placeBytes } from './keys.js'

/** What a record holds of the dedupe memory; with its body gone nobody could tell any more. */
export function claimsOf(record: Pick<JournalRecord, 'header' | 'body'>): readonly HeldClaim[] {
  const { header, body } = record
  const identity = body.type === 'event' ? identityOf(body.bytes) : undefined
  return identity?.ok ? [claimOf(header, identity.value)] : []
}

export function claimOf(place: Place, identity: EventIdentity): HeldClaim {
  const { dataDigest: digest } = identity
  return { key: claimKey(identityHash(identity)), digest, place: placeBytes(place) }
}
