import type { Database, Operation } from '../core/database.js'
import { epochIdSchema } from '../core/id-schema.js'
import { epochOrdinal } from '../core/ids.js'
import { seal, unseal } from '../core/sealed.js'
import { decodeEvent, type Event, type EventData } from '../event/event.js'
import type { SignedType } from '../security/signed-event.js'
import { decodeRecordLine, encodeRecordLine, type JournalRecord } from '../wire/record.js'
import type { EpochState } from './epoch-state.js'
import { newestKey, type Place } from './keys.js'

/** Keeps a signed record in mind, over restarts and beyond the time that it is kept. */
export function rememberNewest(record: JournalRecord): Operation {
  return { type: 'put', key: newestKey(record.header.type), value: seal(encodeRecordLine(record)) }
}

/** The newest event of the type; nothing where there was none yet, or the memory is damaged. */
export async function readNewest(database: Database, type: SignedType): Promise<Event | undefined> {
  const sealed = await database.get(newestKey(type))
  const record = decodeRecordLine((sealed && unseal(sealed)) ?? Buffer.from(''))
  if (!record.ok || record.value.body.type !== 'event') return undefined
  const event = decodeEvent(record.value.body.bytes)
  return event.ok ? event.value : undefined
}

/** The last record that a statement covers: those behind it are in no statement yet. */
export function endOfStatement(
  statement: Pick<EventData<'journal.statement'>, 'ranges' | 'unreadable'>,
): Place | undefined {
  const ends = [statement.ranges.at(-1), statement.unreadable.at(-1)].flatMap(range => {
    const epoch = epochIdSchema.safeParse(range?.epoch)
    return range === undefined || !epoch.success ? [] : [{ epoch: epoch.data, seq: range.last }]
  })
  return ends.sort(inOrder).at(-1)
}

/**
 * Up to where the epoch's records are stated. Those behind it wait for the next statement: they
 * could not be counted once they are gone. Where no statement is made (`isStated`) none is waited
 * for, unless there was one before.
 */
export async function statedUpTo(options: {
  readonly database: Database
  readonly state: EpochState
  readonly isStated: boolean
}): Promise<number> {
  const { database, state, isStated } = options
  const event = await readNewest(database, 'journal.statement')
  const end = event?.type === 'journal.statement' ? endOfStatement(event.data) : undefined
  if (end === undefined) return isStated ? 0 : state.last
  const ahead = epochOrdinal(state.epoch) - epochOrdinal(end.epoch)
  if (ahead === 0) return end.seq
  return ahead < 0 ? state.last : 0
}

function inOrder(one: Place, other: Place): number {
  return epochOrdinal(one.epoch) - epochOrdinal(other.epoch) || one.seq - other.seq
}
