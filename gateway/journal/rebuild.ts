import { Claims, readClaims, storeClaim } from '../core/claims.js'
import type { Database, Operation } from '../core/database.js'
import { type EpochId, epochOrdinal } from '../core/ids.js'
import { type EventIdentity, identityOf } from '../event/event-identity.js'
import { isSignedType } from '../security/signed-event.js'
import type { Digest, JournalRecord } from '../wire/record.js'
import { type EpochState, parseState, storeEpoch } from './epoch-state.js'
import { unlessDamaged, writeFailure } from './failure.js'
import { formatAfter } from './format.js'
import type { EpochGap } from './gap.js'
import { gapNamedBy } from './gap-event.js'
import { type HighWaterMark, MARKED_EPOCHS } from './high-water-mark.js'
import { EPOCH_KEYS, epochKey, latestKey, ordinalOfKey } from './keys.js'
import { type Account, type Conclusion, conclude } from './reckoning.js'
import { claimOf } from './record-claims.js'
import { rememberNewest } from './signed-memory.js'
import { markEvictable, type StoredRecord, storeRecord } from './stored-record.js'
import {
  isOrdinal,
  placesOf,
  readableEntries,
  recordOrdinals,
  someEpoch,
  soundRecords,
} from './survey.js'

/** Records copied in one write. */
const COPIED_AT_ONCE = 500

export interface RebuildOptions {
  /** Nothing where not even a file is left. */
  readonly source: Database | undefined
  readonly target: Database
  readonly mark: HighWaterMark | undefined
  /** What was found, for the gaps. */
  readonly cause: string
}

/**
 * Makes a sound journal of what can be read of another: its sound records with their epochs,
 * numbers and hashes, the dedupe memory that follows from them, and of each epoch where it has gaps
 * now. The id of a lost record is forgotten: a terminal that repeats it is heard. Nothing is
 * written to `source`, unless it is the target, too: then what is sound stays where it is, and so
 * do damaged values and all ids, for a disk that has no room for a second journal.
 * @throws TillbridgeError TB_JOURNAL_WRITE where the disk refuses.
 */
export async function rebuild(options: RebuildOptions): Promise<Conclusion> {
  const { source, target, mark, cause } = options
  if (source !== undefined && source !== target) await copyMemory(source, target)
  const accounts: Account[] = []
  for (const ordinal of await ordinalsOf(source, mark))
    accounts.push(await takeEpoch({ ...options, ordinal }))
  const concluded = conclude({ accounts, mark, cause })
  const states = concluded.states.map(storeEpoch)
  await write(target, [await formatAfter(source), ...states], { sync: true })
  return concluded
}

/** Every epoch of which anything may be known, ascending. */
async function ordinalsOf(
  source: Database | undefined,
  mark: HighWaterMark | undefined,
): Promise<readonly number[]> {
  const marked = (mark?.epochs ?? []).map(({ epoch }) => epochOrdinal(epoch))
  const stated = source === undefined ? [] : await readableEntries(source, EPOCH_KEYS)
  const stored = source === undefined ? [] : await recordOrdinals(source)
  const known = [
    ...marked,
    ...stated.map(([key]) => ordinalOfKey(key)).filter(isOrdinal),
    ...stored,
  ]
  return [...new Set(known)].sort((one, other) => one - other)
}

async function takeEpoch(options: RebuildOptions & { readonly ordinal: number }): Promise<Account> {
  const { source, mark, ordinal } = options
  const places = source && (await placesOf(source, ordinal))
  const state = source && (await stateOf(source, ordinal))
  const epoch = state?.epoch ?? (places && source && (await epochOf(source, ordinal, places)))
  const listed = mark?.epochs.find(known => epochOrdinal(known.epoch) === ordinal)
  const marked = epoch === undefined || epoch === listed?.epoch ? listed : undefined
  // What a whole list leaves out was trimmed: its records came back with a repaired file.
  const lowest = isWhole(mark) && marked === undefined ? (places?.first ?? 1) : 1
  // An older state may have come back; what was trimmed stays trimmed.
  const first = Math.max(state?.first ?? 0, marked?.first ?? 0) || lowest
  const last = Math.max(places?.last ?? 0, state?.last ?? 0, marked?.last ?? 0)
  const { begins, sound, started, names } = await takeRecords({ ...options, epoch, first, last })
  return {
    ordinal,
    epoch: epoch ?? marked?.epoch,
    state,
    marked,
    first,
    last,
    begins,
    sound,
    started,
    names,
  }
}

async function takeRecords(
  options: RebuildOptions & {
    readonly ordinal: number
    readonly epoch: EpochId | undefined
    readonly first: number
    readonly last: number
  },
): Promise<Tally> {
  const { source, target, ordinal, epoch, first, last } = options
  const tally = new Tally()
  if (source === undefined || epoch === undefined) return tally
  const copying = source === target ? undefined : new Copying(target)
  for await (const stored of soundRecords(source, { ordinal, epoch, first, last })) {
    tally.add(stored)
    await copying?.add(stored)
  }
  await copying?.flush()
  return tally
}

async function stateOf(source: Database, ordinal: number): Promise<EpochState | undefined> {
  const sealed = await unlessDamaged(source.get(epochKey(someEpoch(ordinal))))
  const state = sealed && parseState(sealed)
  return state && epochOrdinal(state.epoch) === ordinal ? state : undefined
}

/** Which epoch of that ordinal these records are of, by the first sound one. */
async function epochOf(
  source: Database,
  ordinal: number,
  places: { readonly first: number; readonly last: number },
): Promise<EpochId | undefined> {
  const range = { ordinal, epoch: undefined, ...places }
  for await (const { record } of soundRecords(source, range)) return record.header.epoch
  return undefined
}

function isWhole(mark: HighWaterMark | undefined): boolean {
  return mark !== undefined && mark.epochs.length < MARKED_EPOCHS
}

/** What was found of an epoch, added up while it is copied. */
class Tally {
  readonly begins = new Map<number, Digest>()
  readonly sound: [number, number][] = []
  /** Its first record. */
  started: JournalRecord | undefined
  readonly names: EpochGap[] = []

  add({ record, previous }: StoredRecord): void {
    const { seq } = record.header
    const name = gapNamedBy(record)
    if (name !== undefined) this.names.push(name)
    if (seq === 1) this.started = record
    const run = this.sound.at(-1)
    if (run?.[1] === seq - 1) {
      run[1] = seq
      return
    }
    this.begins.set(seq, previous)
    this.sound.push([seq, seq])
  }
}

interface Waiting {
  readonly stored: StoredRecord
  /** Of an evicted record nothing is left to tell it by. */
  readonly identity: EventIdentity | undefined
}

/** Writes records, and all that follows from them, some at a time. */
class Copying {
  readonly #target: Database
  #waiting: Waiting[] = []

  constructor(target: Database) {
    this.#target = target
  }

  async add(stored: StoredRecord): Promise<void> {
    const { body } = stored.record
    const identity = body.type === 'event' ? identityOf(body.bytes) : undefined
    this.#waiting.push({ stored, identity: identity?.ok ? identity.value : undefined })
    if (this.#waiting.length >= COPIED_AT_ONCE) await this.flush()
  }

  async flush(): Promise<void> {
    const waiting = this.#waiting
    this.#waiting = []
    const held = waiting.flatMap(({ stored, identity }) =>
      identity === undefined ? [] : [claimOf(stored.record.header, identity)],
    )
    const claims = new Claims(await readClaims(this.#target, held))
    const memory = held.flatMap(claim =>
      claims.judge(claim).type === 'duplicate' ? [] : [storeClaim(claims.hold(claim), claim.place)],
    )
    const records = waiting.flatMap(each => [storeRecord(each.stored), ...memoryOf(each)])
    await write(this.#target, [...records, ...memory])
  }
}

/** What the journal remembers of a record apart from its id, as `WritePlan` does. */
function memoryOf({ stored: { record }, identity }: Waiting): readonly Operation[] {
  if (identity === undefined) return []
  const { header } = record
  const latest: Operation = {
    type: 'put',
    key: latestKey(identity.source),
    value: Buffer.from(identity.dataDigest, 'hex'),
  }
  return [
    ...(header.class === 'ledger' ? [latest] : []),
    ...(header.class === 'telemetry' ? [markEvictable(header)] : []),
    ...(isSignedType(header.type) ? [rememberNewest(record)] : []),
  ]
}

async function write(
  target: Database,
  operations: readonly Operation[],
  { sync }: { readonly sync: boolean } = { sync: false },
): Promise<void> {
  await target.batch([...operations], { sync }).catch(thrown => {
    throw writeFailure(thrown)
  })
}

/** Keys that do not follow from records: what is there of them is taken over as it is. */
const REMEMBERED = [
  { lt: Buffer.from('C') },
  { gte: Buffer.from('D'), lt: Buffer.from('E') },
  { gte: Buffer.from('G'), lt: Buffer.from('R') },
  { gte: Buffer.from('S'), lt: Buffer.from('T') },
  { gte: Buffer.from('U') },
]

async function copyMemory(source: Database, target: Database): Promise<void> {
  for (const range of REMEMBERED) {
    const entries = await readableEntries(source, range)
    const operations = entries.map(([key, value]): Operation => ({ type: 'put', key, value }))
    await write(target, operations)
  }
}
