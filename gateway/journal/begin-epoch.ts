import type { Database, Operation } from '../core/database.js'
import { epochOrdinal, newEpochId, newEventId, type StoreId, terminalId } from '../core/ids.js'
import type { Random } from '../core/random.js'
import { GATEWAY_TERMINAL } from '../event/event.js'
import { makeEvent } from '../event/make-event.js'
import { type Digest, GENESIS } from '../wire/record.js'
import { type EpochState, forgetEpoch, loadEpochs, storeEpoch } from './epoch-state.js'
import { readFailure, writeFailure } from './failure.js'
import { checkFormat } from './format.js'
import { hashBefore, keptRanges } from './gap.js'
import { gapEvent, unnamedGaps, withNames } from './gap-event.js'
import { lastStoredSeq, verifiedRecords } from './stored-record.js'
import { type PreparedEvent, prepareEvent, type RecordContext, WritePlan } from './write-plan.js'

/** A journal as it stands right after it was opened. */
export interface OpenedEpochs {
  /** Earlier epochs that still hold records, oldest first. */
  readonly closed: readonly EpochState[]
  readonly current: EpochState
  /** Chain hash of the newest record. */
  readonly head: Digest
}

/** The end of the epoch before: what the new one continues. */
interface Tail {
  readonly state: EpochState
  readonly head: Digest
}

export interface EpochOptions extends RecordContext {
  readonly database: Database
  readonly random: Random
  readonly store: StoreId
  /** Version of this software, for the first record. */
  readonly software: string
}

/**
 * Begins a new epoch: its first record, durable when this resolves, ties it to the one before. It
 * costs the same however much the journal holds.
 * @throws TillbridgeError TB_JOURNAL_FORMAT, TB_JOURNAL_WRITE, or TB_JOURNAL_UNREADABLE where the
 * tail does not verify.
 */
export async function beginEpoch(options: EpochOptions): Promise<OpenedEpochs> {
  const { database, random } = options
  const { format, states, tail } = await readEpochs(database).catch(thrown => {
    throw readFailure(thrown)
  })
  const epoch = newEpochId(tail === undefined ? 1 : epochOrdinal(tail.state.epoch) + 1, random)
  const previous = tail?.head ?? GENESIS
  const gapEvents = unnamedGaps(states).map(gap =>
    gapEvent(options, gap, newEventId(options.clock, random)),
  )
  const plan = await WritePlan.make({
    database,
    epoch,
    last: 0,
    head: previous,
    writings: [startedEvent(options, tail), ...gapEvents],
    context: options,
  })
  const current = { epoch, first: 1, last: plan.records.length, previous }
  // The first record is `gateway.started`; one for each gap follows it.
  const named = withNames(states, { epoch, seq: 2 })
  const changed = named.filter((state, at) => state !== states[at] || at === named.length - 1)
  const operations = [...changed.map(closeEpoch), storeEpoch(current), ...plan.operations]
  await database.batch([...format, ...operations], { sync: true }).catch(thrown => {
    throw writeFailure(thrown)
  })
  return { closed: named.filter(holdsRecords), current, head: plan.head }
}

/** What a journal says of itself where it lies. @throws as `beginEpoch` */
export async function readEpochs(database: Database): Promise<{
  readonly format: readonly Operation[]
  readonly states: readonly EpochState[]
  readonly tail: Tail | undefined
}> {
  const format = await checkFormat(database)
  const states = await loadEpochs(database)
  const newest = states.at(-1)
  if (newest === undefined) return { format, states, tail: undefined }
  const tail = await readTail(database, newest)
  return { format, states: [...states.slice(0, -1), tail.state], tail }
}

/** Where the newest epoch really ends: appends did not rewrite its state. */
async function readTail(database: Database, state: EpochState): Promise<Tail> {
  const stored = (await lastStoredSeq(database, state.epoch)) ?? state.first - 1
  const last = Math.max(stored, state.gaps?.at(-1)?.last ?? 0)
  const closed = { ...state, last }
  return { state: closed, head: await headOf(database, closed) }
}

/** Chain hash of an epoch's last record; that before it where it is lost and nobody knows it. */
async function headOf(database: Database, state: EpochState): Promise<Digest> {
  const known = hashBefore(state, state.last + 1)
  if (known !== undefined) return known
  const last = keptRanges(state).at(-1)?.[1]
  if (last === undefined) return state.previous
  let head = state.previous
  for await (const { record } of verifiedRecords({ database, state, first: last, last }))
    head = record.hash
  return head
}

function startedEvent(options: EpochOptions, tail: Tail | undefined): PreparedEvent {
  const { clock, random, store, software, timeZone, clockState } = options
  const previous = tail && { epoch: tail.state.epoch, last: tail.state.last, head: tail.head }
  const started = makeEvent({
    type: 'gateway.started',
    id: newEventId(clock, random),
    store,
    terminal: terminalId(GATEWAY_TERMINAL),
    wallMs: clock.wallMs(),
    timeZone,
    clockState: clockState(),
    data: { software, ...(previous === undefined ? {} : { previous }) },
  })
  return prepareEvent(started)
}

function closeEpoch(state: EpochState): Operation {
  return holdsRecords(state) ? storeEpoch(state) : forgetEpoch(state.epoch)
}

function holdsRecords(state: EpochState): boolean {
  return state.first <= state.last
}
