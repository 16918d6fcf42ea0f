import type { LedgerRow } from '../../gateway/hq/ledger.js'
import { decodeReceipt, type EpochReceipt } from '../../gateway/wire/receipt.js'
import { chainHash } from '../../gateway/wire/record.js'
import type { Table } from './disk.js'
import type { Facts } from './facts.js'
import type { Witness } from './witness.js'

const DAY_MS = 24 * 60 * 60 * 1000
/** Less than the 35 days that a store keeps, by as much as a clock may be corrected. */
export const KEPT_DAYS = 34

/** A promise that was not kept, in words; the seed that did it is said beside it. */
export class Violation extends Error {}

/** I1: an event takes effect at most once, and nothing takes effect that nobody said. */
export function checkOnce(rows: readonly LedgerRow[], witness: Witness): void {
  const ids = eventsOf(rows).map(idOf)
  const seen = new Set<string>()
  for (const id of ids) {
    if (seen.has(id)) throw new Violation(`I1: ${id} stands twice`)
    seen.add(id)
    if (/^(sale|reading)-/.test(id) && !witness.fates.has(id))
      throw new Violation(`I1: ${id} is unknown`)
  }
  const conflict = rows.find(({ kind }) => kind === 'conflict')
  if (conflict !== undefined) throw new Violation(`I1: a conflict over ${idOf(conflict)}`)
}

/** I2: what a terminal saw acknowledged stands in the ledger, or was physically destroyed. */
export function checkKept(rows: readonly LedgerRow[], witness: Witness): void {
  const held = new Set(eventsOf(rows).map(idOf))
  const evicted = evictedPlaces(rows)
  for (const [id, { isDestroyed, evictedAt }] of witness.fates) {
    if (held.has(id) || isDestroyed) continue
    if (evictedAt === undefined || !evicted.has(evictedAt))
      throw new Violation(`I2: ${id} is not in the ledger`)
  }
  for (const id of held)
    if (!witness.wasFannedOut(id)) throw new Violation(`I2: ${id} was never fanned out`)
}

/** I3: a receipt speaks only of what is committed at that moment. */
export function checkReceipt(payload: Uint8Array | string, ledger: Table): void {
  const receipt = decodeReceipt(Buffer.from(payload))
  if (!receipt.ok) throw new Violation(`I3: a receipt that cannot be read: ${receipt.error}`)
  const { places } = ledger
  for (const place of confirmedPlaces(receipt.value.epochs))
    if (!places.has(place)) throw new Violation(`I3: a receipt confirms ${place}, not committed`)
}

/** What a store must not remove without. */
export interface Retention {
  readonly ledger: Table
  /** What HQ might restore from now. */
  readonly backups: readonly Table[]
  readonly reportsSafe: boolean
  /** The store was told what is `safe`. */
  readonly isMarked: boolean
  /** The disk asks for room: where HQ gives no `safe` mark, confirmed records go early. */
  readonly isPressed: boolean
  readonly nowMs: number
}

/** I4: what a store removes stands in the ledger, and would after any restore. */
export function checkTrim(record: Facts, retention: Retention): void {
  const { ledger, backups, reportsSafe, isMarked, isPressed, nowMs } = retention
  const { place } = record
  if (!ledger.places.has(place)) throw new Violation(`I4: ${place} trimmed, not in the ledger`)
  if (isMarked && !reportsSafe) throw new Violation(`I4: ${place} trimmed, HQ gives no mark`)
  if (isMarked && !backups.every(backup => backup.places.has(place)))
    throw new Violation(`I4: ${place} trimmed, not in every backup`)
  const days = (nowMs - record.appendedMs) / DAY_MS
  if (!isMarked && !isPressed && days < KEPT_DAYS)
    throw new Violation(`I4: ${place} trimmed after ${days.toFixed(1)} days`)
}

/** I5: a place never names two contents, and the records of an epoch continue one another. */
export function checkChain(rows: readonly LedgerRow[], witness: Witness): void {
  const placed = [...rows].sort((left, right) => order(left, right))
  for (const [index, row] of placed.entries()) {
    const { epoch, seq } = row.header
    const before = placed[index - 1]
    const follows = before?.header.epoch === epoch
    const expected = follows ? before.header.seq + 1 : 1
    if (seq < expected) throw new Violation(`I5: ${epoch}/${seq} names two records`)
    if (seq > expected) {
      if (witness.swaps === 0) throw new Violation(`I5: ${epoch}: a gap before ${seq}`)
      continue
    }
    if (!follows || row.event === undefined) continue
    const body = { type: 'event', bytes: row.event } as const
    if (chainHash(before.hash, { header: row.header, body }) !== row.hash)
      throw new Violation(`I5: the chain breaks at ${epoch}/${seq}`)
  }
}

/** I6: what survives reaches HQ in the end, without anybody's help. */
export function checkDrained(is: {
  readonly sold: boolean
  readonly confirmed: boolean
  readonly back: boolean
}): void {
  if (!is.sold) throw new Violation('I6: the tills cannot sell')
  if (!is.confirmed) throw new Violation('I6: a journal is never confirmed')
  if (!is.back) throw new Violation('I6: HQ does not come back')
}

/** What stores and HQ call a loss, or an attempt at one. */
const CHARGES =
  /chain breaks|other records were|is not the one|continue it|lost|are both live|was restored|started a new journal|does not continue|does not verify|does not hold|HQ holds|claims to be/

/**
 * I7: every physical loss shows at HQ. A sale that was destroyed leaves a hole in the numbers that
 * its till counts; what was evicted leaves its place; records beyond the card that was put back are
 * named, by an alarm or a `journal.gap`. And nothing is called lost that is not.
 */
export function checkVisible(rows: readonly LedgerRow[], witness: Witness): void {
  const events = eventsOf(rows)
  const held = new Set(events.map(idOf))
  const newest = new Map<string, number>()
  for (const id of held) newest.set(tillOf(id), Math.max(numberOf(id), newest.get(tillOf(id)) ?? 0))
  for (const [id, { evictedAt }] of witness.fates) {
    const isSeen = held.has(id) || evictedAt !== undefined
    if (!isSeen && numberOf(id) > (newest.get(tillOf(id)) ?? 0))
      throw new Violation(`I7: ${id} is lost, and nothing shows it`)
  }
  const kept = rows.find(({ kind, header }) => kind === 'evicted' && header.class !== 'telemetry')
  if (kept !== undefined) throw new Violation(`I7: money was evicted at ${kept.header.seq}`)
  const gaps = events.filter(({ header }) => header.type === 'journal.gap')
  const named = [...witness.alarms, ...gaps.map(({ event }) => Buffer.from(event ?? []).toString())]
  for (const { epochs } of witness.rollbacks)
    if (epochs.size > 0 && ![...epochs].some(epoch => named.some(text => text.includes(epoch))))
      throw new Violation(
        `I7: an older card was put back beyond ${[...epochs]}, and nobody says so`,
      )
  if (witness.swaps > 0) return
  const charges = witness.alarms.filter(text => CHARGES.test(text))
  const [groundless] = charges.filter(text => witness.restores === 0 || !/was restored/.test(text))
  if (groundless !== undefined) throw new Violation(`I7: without cause: ${groundless}`)
  if (gaps.length > 0) throw new Violation('I7: a gap is named where there is none')
}

/** I7, of two gateways on copies of one card: the alarm names both. */
export function checkTwins(epochs: readonly string[], witness: Witness): void {
  const isNamed = (text: string): boolean =>
    /are both live/.test(text) && epochs.every(epoch => text.includes(epoch))
  if (!witness.alarms.some(isNamed))
    throw new Violation(`I7: ${epochs.join(' and ')} are live together, and nobody says so`)
}

/** `<epoch>/<seq>` of all that receipts of epochs confirm. */
export function confirmedPlaces(epochs: readonly EpochReceipt[]): readonly string[] {
  return epochs.flatMap(({ epoch, upTo, missing }) => {
    const isMissing = (seq: number): boolean =>
      missing.some(([first, last]) => first <= seq && seq <= last)
    const all = Array.from({ length: upTo }, (_, index) => index + 1)
    return all.filter(seq => !isMissing(seq)).map(seq => `${epoch}/${seq}`)
  })
}

export function idOf({ event }: Pick<LedgerRow, 'event'>): string {
  return /"id":"([^"]+)"/.exec(Buffer.from(event ?? []).toString('utf8'))?.[1] ?? ''
}

function eventsOf(rows: readonly LedgerRow[]): readonly LedgerRow[] {
  return rows.filter(({ kind }) => kind === 'event')
}

function evictedPlaces(rows: readonly LedgerRow[]): ReadonlySet<string> {
  const evicted = rows.filter(({ kind }) => kind === 'evicted')
  return new Set(evicted.map(({ header }) => `${header.epoch}/${header.seq}`))
}

function tillOf(id: string): string {
  return id.slice(0, id.lastIndexOf('-'))
}

function numberOf(id: string): number {
  return Number(id.slice(id.lastIndexOf('-') + 1))
}

function order(left: LedgerRow, right: LedgerRow): number {
  if (left.header.epoch === right.header.epoch) return left.header.seq - right.header.seq
  return left.header.epoch < right.header.epoch ? -1 : 1
}
