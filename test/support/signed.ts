import { systemClock } from '../../gateway/core/clock.js'
import { newEventId } from '../../gateway/core/ids.js'
import { systemRandom } from '../../gateway/core/random.js'
import type { Event } from '../../gateway/event/event.js'
import type { ChainEnd } from '../../gateway/journal/journal.js'
import { signingKeyOf } from '../../gateway/security/signature.js'
import {
  makeSignedEvent,
  type SignedType,
  type UnsignedData,
} from '../../gateway/security/signed-event.js'
import { NOON_MS, STORE } from './sample.js'

/** Two keys that anybody may know. */
export const STORE_KEY = signingKeyOf(new Uint8Array(32).fill(1))
export const OTHER_KEY = signingKeyOf(new Uint8Array(32).fill(2))

export function signed<Type extends SignedType>(
  type: Type,
  data: UnsignedData<Type>,
  key = STORE_KEY,
): Event {
  return makeSignedEvent({
    key,
    type,
    data,
    id: newEventId(systemClock, systemRandom),
    store: STORE,
    wallMs: NOON_MS,
    timeZone: 'Europe/Berlin',
    clockState: 'synced',
  })
}

export function checkpointAt(end: ChainEnd, key = STORE_KEY): Event {
  return signed('journal.checkpoint', end, key)
}

/** A statement about nothing, as far as the journal goes: it covers an epoch up to a record. */
export function statementOf(covered: Pick<ChainEnd, 'epoch' | 'seq'>): Event {
  const { epoch, seq } = covered
  return signed('journal.statement', {
    day: '2026-11-22',
    ranges: [{ epoch, first: 1, last: seq, head: '0'.repeat(64) }],
    unreadable: [],
    records: seq,
    entries: [],
    conflicts: 0,
    gaps: 0,
    possibleRepeats: 0,
  })
}
