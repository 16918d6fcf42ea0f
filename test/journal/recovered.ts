import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { z } from 'zod'
import type { EpochId } from '../../gateway/core/ids.js'

import type { Event } from '../../gateway/event/event.js'
import type { Journal } from '../../gateway/journal/journal.js'
import { openJournalCopy } from '../../gateway/journal/journal-copy.js'
import { journalPaths } from '../../gateway/journal/journal-folder.js'
import { verifyJournal } from '../../gateway/journal/verify-journal.js'
import { chainHash, type Digest, type JournalRecord } from '../../gateway/wire/record.js'
import { jsonOf, sale } from '../support/sample.js'
import { type KeptJournal, openKept } from './open-storage.js'

/** Of a sale: its record has about a kilobyte. */
const LINES = 4

/** A data directory, and every record that was ever acknowledged in it: place → chain hash. */
export interface Shop {
  readonly dataDir: string
  readonly acknowledged: ReadonlyMap<string, Digest>
  readonly ids: ReadonlyMap<string, string>
}

export async function sellThrough(
  dataDir: string,
  size: { readonly epochs: number; readonly sales: number },
): Promise<Shop> {
  const acknowledged = new Map<string, Digest>()
  const ids = new Map<string, string>()
  let number = 0
  for (let epoch = 1; epoch <= size.epochs; epoch += 1) {
    const { journal, close } = await openKept(dataDir)
    for (let batch = 0; batch < size.sales / 10; batch += 1) {
      const events = Array.from({ length: 10 }, () => sale({ number: ++number, lines: LINES }))
      await journal.append(events)
    }
    const { records } = await everything(journal)
    for (const record of records) {
      acknowledged.set(placeOf(record), record.hash)
      ids.set(placeOf(record), jsonOf(record).id)
    }
    await close()
  }
  return { dataDir, acknowledged, ids }
}

function placeOf({ header }: Pick<JournalRecord, 'header'>): string {
  return `${header.epoch}/${header.seq}`
}

const gapData = z.object({
  epoch: z.string(),
  first: z.number(),
  last: z.number(),
  kind: z.string(),
})
export type NamedGap = z.infer<typeof gapData>

/** All that the uplink would send, and what of it names a gap. */
export async function everything(
  journal: Journal,
): Promise<{ readonly records: readonly JournalRecord[]; readonly gaps: readonly NamedGap[] }> {
  const records: JournalRecord[] = []
  for (const { epoch } of journal.epochs()) records.push(...(await pendingOf(journal, epoch)))
  const gaps = records
    .filter(({ header }) => header.type === 'journal.gap')
    .map(record => gapData.parse(jsonOf(record).data))
  return { records, gaps }
}

/** Read anew where the journal was recovered meanwhile: that began an epoch, and named its gaps. */
async function settledIn({ storage, journal }: KeptJournal): ReturnType<typeof everything> {
  for (;;) {
    const recoveries = storage.recoveries.length
    const read = await everything(journal)
    if (storage.recoveries.length === recoveries) return read
  }
}

async function pendingOf(journal: Journal, epoch: EpochId): Promise<readonly JournalRecord[]> {
  const records: JournalRecord[] = []
  const pending = () => journal.epochs().find(known => known.epoch === epoch)?.pending ?? []
  for (let next = 1; ; ) {
    const range = pending().find(([, last]) => last >= next)
    if (range === undefined) return records
    const first = Math.max(next, range[0])
    const slice = await journal
      .read({ epoch, first, last: range[1], maxBytes: 256 * 1024 })
      .catch(() => undefined)
    let head = slice?.previous ?? ''
    for (const record of slice?.records ?? []) {
      head = chainHash(head, record)
      if (head !== record.hash) throw new Error(`the chain breaks at ${placeOf(record)}`)
      records.push(record)
    }
    next = (slice?.records.at(-1)?.header.seq ?? first) + (slice === undefined ? 0 : 1)
  }
}

/** Digests of all files below a folder. */
export function filesIn(folder: string): ReadonlyMap<string, string> {
  if (!existsSync(folder)) return new Map()
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map(name => join(folder, name))
    .filter(path => statSync(path).isFile() && !/\/(LOCK|LOG|LOG\.old)$/.test(path))
  return new Map(
    paths.map(path => [path, createHash('sha256').update(readFileSync(path)).digest('hex')]),
  )
}

export interface Outcome {
  readonly kept: number
  readonly lost: number
  readonly gaps: readonly NamedGap[]
}

/**
 * Opens what is left, and checks that it is sound, that the rest is named once, and that it sells.
 * What is only found by reading is cleared away at the next opening, which may find more sound than
 * reading did, and never less; so does the opening after one that LevelDB aborted.
 */
export async function checkRecovered(
  t: Test,
  shop: Shop,
  { before = filesIn(journalPaths(shop.dataDir).journal), wasAborted = false } = {},
): Promise<Outcome> {
  const { dataDir } = shop
  const kept = await openKept(dataDir)
  const atOpening = kept.storage.recoveries.length
  const first = await settledIn(kept)
  const { gaps } = first
  let state = stateOf(t, shop, first.records)
  const isNew = ![...shop.acknowledged.keys()].some(place => place.startsWith(kept.journal.epoch))
  t.ok(isNew, 'a new epoch')
  const { isSuspect, recoveries } = kept.storage
  const wasFoundLate = isSuspect || recoveries.length > atOpening
  await kept.close()
  checkNames(t, gaps, state.lost, { isExact: !wasAborted && recoveries.length === atOpening })
  if (isSuspect) {
    const cleared = await openKept(dataDir)
    t.equal(cleared.storage.recoveries.length, 1)
    const second = await everything(cleared.journal)
    t.same(second.gaps, gaps, 'named once')
    const earlier = state.lost
    state = stateOf(t, shop, second.records)
    t.ok(
      state.lost.every(place => earlier.includes(place)),
      'it loses no more than reading did',
    )
    await cleared.close()
  }
  await checkMemory(t, shop, state)
  await checkQuarantine(t, dataDir, { before, isWhole: !wasFoundLate })
  await checkSettled(t, shop, { gaps, lost: state.lost })
  return { kept: state.found.size, lost: state.lost.length, gaps }
}

interface State {
  readonly found: ReadonlySet<string>
  readonly lost: readonly string[]
}

function stateOf(t: Test, { acknowledged }: Shop, records: readonly JournalRecord[]): State {
  const old = records.filter(record => acknowledged.has(placeOf(record)))
  t.ok(
    old.every(record => acknowledged.get(placeOf(record)) === record.hash),
    'what is kept is what was acknowledged',
  )
  const found = new Set(old.map(placeOf))
  t.equal(found.size, old.length, 'once')
  return { found, lost: [...acknowledged.keys()].filter(place => !found.has(place)) }
}

/** `isExact`: nothing can have been found again since it was named. */
function checkNames(
  t: Test,
  gaps: readonly NamedGap[],
  lost: readonly string[],
  { isExact }: { readonly isExact: boolean },
): void {
  const named = placesIn(gaps)
  const count = gaps.reduce((sum, { first, last }) => sum + last - first + 1, 0)
  t.equal(count, named.size, 'no place is named twice')
  const unnamed = lost.filter(place => !named.has(place))
  t.strictSame(unnamed, [], 'what is lost is named')
  if (isExact) t.equal(named.size, lost.length, 'and no more')
}

/** Every file is still there, byte by byte; the tables, where LevelDB had opened the journal. */
async function checkQuarantine(
  t: Test,
  dataDir: string,
  files: { readonly before: ReadonlyMap<string, string>; readonly isWhole: boolean },
): Promise<void> {
  const kept = new Set(filesIn(journalPaths(dataDir).quarantine).values())
  if (kept.size === 0) return
  for (const [path, digest] of files.before)
    if ((files.isWhole || path.endsWith('.ldb')) && !kept.has(digest)) t.fail(`${path} is gone`)
}

function placesIn(gaps: readonly Omit<NamedGap, 'kind'>[]): ReadonlySet<string> {
  const named = new Set<string>()
  for (const { epoch, first, last } of gaps)
    for (let seq = first; seq <= last; seq += 1) named.add(`${epoch}/${seq}`)
  return named
}

/** What is kept is known again, what is lost is heard again. */
async function checkMemory(t: Test, { dataDir, ids }: Shop, state: State): Promise<void> {
  const { journal, close } = await openKept(dataDir)
  const salesAt = (places: readonly string[]): readonly Event[] =>
    places.flatMap(place => {
      const number = /^sale-(\d+)$/.exec(ids.get(place) ?? '')?.[1]
      return number === undefined ? [] : [sale({ number: Number(number), lines: LINES })]
    })
  const known = salesAt([...state.found].filter((_, index) => index % 97 === 0))
  const forgotten = salesAt(state.lost.slice(0, 20))
  const outcomes = await journal.append([...known, ...forgotten, sale({ number: 999_999 })])
  t.same(outcomes, [...known.map(() => 'duplicate'), ...forgotten.map(() => 'stored'), 'stored'])
  await close()
}

/** Further openings find nothing wrong any more. */
async function checkSettled(
  t: Test,
  { dataDir }: Shop,
  { gaps, lost }: { readonly gaps: readonly NamedGap[]; readonly lost: readonly string[] },
): Promise<void> {
  const { journal, storage, close } = await openKept(dataDir)
  t.same((await everything(journal)).gaps, gaps, 'named once')
  t.same(storage.recoveries, [])
  await close()
  const copy = await openJournalCopy(dataDir)
  const { signal } = new AbortController()
  const verdict = await verifyJournal({ database: copy.database, publicKey: undefined, signal })
  await copy.close()
  t.same(verdict.faults, [], 'whoever verifies it finds it sound')
  t.strictSame([...placesIn(verdict.losses)].sort(), [...lost].sort(), 'but for what is lost')
  const names = readdirSync(dataDir).filter(name => name.startsWith('journal'))
  t.same(names.sort(), ['journal', 'journal.lock', 'journal.mark'], 'nothing is left lying about')
}
