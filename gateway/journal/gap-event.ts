import { epochIdSchema } from '../core/id-schema.js'
import { derivedEventId, type EventId, type StoreId, terminalId } from '../core/ids.js'
import { decodeEvent, GATEWAY_TERMINAL } from '../event/event.js'
import { makeEvent } from '../event/make-event.js'
import type { JournalRecord } from '../wire/record.js'
import type { EpochState } from './epoch-state.js'
import { type EpochGap, type Gap, gapSchema } from './gap.js'
import type { Place } from './keys.js'
import { type PreparedEvent, prepareEvent, type RecordContext } from './write-plan.js'

/** The `journal.gap` that names a gap to HQ; without an `id` it has that of what is lost. */
export function gapEvent(
  context: RecordContext & { readonly store: StoreId },
  gap: EpochGap,
  id?: EventId,
): PreparedEvent {
  const { clock, store, timeZone, clockState } = context
  const { epoch, first, last, kind, cause, head } = gap
  const data = { epoch, first, last, kind, cause, ...(head === undefined ? {} : { head }) }
  return prepareEvent(
    makeEvent({
      type: 'journal.gap',
      id: id ?? derivedEventId(['journal.gap', epoch, `${first}`, `${last}`]),
      store,
      terminal: terminalId(GATEWAY_TERMINAL),
      wallMs: clock.wallMs(),
      timeZone,
      clockState: clockState(),
      data,
    }),
  )
}

const namedGap = gapSchema.extend({ epoch: epochIdSchema })

/** The gap that a record names. */
export function gapNamedBy({ header, body }: JournalRecord): EpochGap | undefined {
  if (header.type !== 'journal.gap' || body.type !== 'event') return undefined
  const event = decodeEvent(body.bytes)
  if (!event.ok || event.value.type !== 'journal.gap') return undefined
  const named = { epoch: header.epoch, seq: header.seq }
  return namedGap.safeParse({ ...event.value.data, named }).data
}

/** The gaps that nobody has named yet, in the order in which `withNames` names them. */
export function unnamedGaps(states: readonly EpochState[]): readonly EpochGap[] {
  return states.flatMap(({ epoch, gaps = [] }) =>
    gaps.filter(isUnnamed).map(gap => ({ ...gap, epoch })),
  )
}

/** The states with these gaps named at consecutive places; what has none unnamed is the same. */
export function withNames(states: readonly EpochState[], from: Place): readonly EpochState[] {
  let { seq } = from
  return states.map(state => {
    const { gaps = [] } = state
    if (!gaps.some(isUnnamed)) return state
    const named = gaps.map(gap => {
      return isUnnamed(gap) ? { ...gap, named: { epoch: from.epoch, seq: seq++ } } : gap
    })
    return { ...state, gaps: named }
  })
}

function isUnnamed({ named }: Gap): boolean {
  return named === undefined
}
