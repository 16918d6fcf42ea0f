import type { LedgerRow } from '../../gateway/hq/ledger.js'
import { decodeReceipt } from '../../gateway/wire/receipt.js'
import { chainHash } from '../../gateway/wire/record.js'
import type { Table } from './disk.js'
import { type Facts, placesIn, salesIn } from './facts.js'

const KEPT_MS = 35 * 24 * 60 * 60 * 1000

/** A promise that was not kept, in words; the seed that did it is said beside it. */
export class Violation extends Error {}

interface SaleFate {
  acknowledgedMs?: number
  /** The card with its only copy in the shop was replaced by an older one. */
  isOffTheCard: boolean
  /** It was then in no ledger either: physically destroyed, nothing can bring it back. */
  isDestroyed: boolean
}

/** What the world has seen; it knows more than store and HQ together. */
export class Witness {
  readonly #fates = new Map<string, SaleFate>()
  readonly #fannedOut = new Set<string>()
  /** What store and HQ said is wrong, in their own words. */
  readonly alarms: string[] = []

  /** Said, though nothing happened that would be a reason for it. */
  get groundless(): readonly string[] {
    if (this.rollbacks > 0) return []
    return this.alarms.filter(text => this.restores === 0 || !/database was restored/.test(text))
  }

  rollbacks = 0
  restores = 0

  get acknowledged(): number {
    return [...this.#fates.values()].filter(fate => fate.acknowledgedMs !== undefined).length
  }

  get destroyed(): number {
    return [...this.#fates.values()].filter(fate => fate.isDestroyed).length
  }

  acknowledge(id: string, nowMs: number): void {
    const fate = this.#fates.get(id)
    if (fate === undefined)
      this.#fates.set(id, { acknowledgedMs: nowMs, isOffTheCard: false, isDestroyed: false })
  }

  fannedOut(payload: Uint8Array | string): void {
    const id = /"id":"([^"]+)"/.exec(Buffer.from(payload).toString('utf8'))?.[1]
    if (id !== undefined) this.#fannedOut.add(id)
  }

  wasFannedOut(id: string): boolean {
    return this.#fannedOut.has(id)
  }

  /** An older card was put in. */
  rolledBack(image: Table, ledger: Table): void {
    this.rollbacks += 1
    const kept = salesIn(image)
    const atHeadquarters = salesIn(ledger)
    for (const [id, fate] of this.#fates) {
      if (kept.has(id)) continue
      fate.isOffTheCard = true
      if (!atHeadquarters.has(id)) fate.isDestroyed = true
    }
  }

  ledgerRestored(ledger: Table): void {
    this.restores += 1
    const atHeadquarters = salesIn(ledger)
    for (const [id, fate] of this.#fates)
      if (fate.isOffTheCard && !atHeadquarters.has(id)) fate.isDestroyed = true
  }

  /** I1, I2, I7: every acknowledged sale once, nothing else, and every row fanned out. */
  checkRows(rows: readonly LedgerRow[]): void {
    const events = rows.filter(({ kind }) => kind === 'event')
    const ids = events.map(idOf)
    if (new Set(ids).size < ids.length) throw new Violation(`an event stands twice: ${twice(ids)}`)
    const conflict = rows.find(({ kind }) => kind === 'conflict')
    if (conflict !== undefined) throw new Violation(`a conflict over ${idOf(conflict)}`)
    const held = new Set(ids)
    for (const [id, fate] of this.#fates)
      if (!held.has(id) && !fate.isDestroyed) throw new Violation(`${id} is not in the ledger`)
    for (const id of ids) {
      if (!this.#fannedOut.has(id)) throw new Violation(`${id} was never fanned out`)
      if (id.startsWith('sale-') && !this.#fates.has(id)) throw new Violation(`${id}: unknown`)
    }
  }
}

function twice(ids: readonly string[]): string {
  return ids.filter((id, index) => ids.indexOf(id) !== index).join(' ')
}

export function idOf({ event }: LedgerRow): string {
  return /"id":"([^"]+)"/.exec(Buffer.from(event ?? []).toString('utf8'))?.[1] ?? ''
}

/** I3: a receipt speaks only of what is committed at that moment. */
export function checkReceipt(payload: Uint8Array | string, ledger: Table): void {
  const receipt = decodeReceipt(Buffer.from(payload))
  if (!receipt.ok) throw new Violation(`a receipt that cannot be read: ${receipt.error}`)
  const places = placesIn(ledger)
  for (const { epoch, upTo, missing } of receipt.value.epochs) {
    for (let seq = 1; seq <= upTo; seq += 1) {
      const isConfirmed = !missing.some(([first, last]) => first <= seq && seq <= last)
      if (isConfirmed && !places.has(`${epoch}/${seq}`))
        throw new Violation(`a receipt confirms ${epoch}/${seq}, which is not committed`)
    }
  }
}

/** I4: what the store removes stands in the ledger, and would after any restore. */
export function checkTrim(
  record: Facts,
  headquarters: {
    readonly ledger: Table
    readonly backups: readonly Table[]
    readonly reportsSafe: boolean
    readonly nowMs: number
  },
): void {
  const { ledger, backups, reportsSafe, nowMs } = headquarters
  const { place } = record
  if (!placesIn(ledger).has(place)) throw new Violation(`${place} trimmed, not in the ledger`)
  if (reportsSafe && !backups.every(backup => placesIn(backup).has(place)))
    throw new Violation(`${place} trimmed, not in every backup`)
  const days = (nowMs - record.appendedMs) / (KEPT_MS / 35)
  if (!reportsSafe && days < 34)
    throw new Violation(`${place} trimmed after ${days.toFixed(1)} days`)
}

/** I5: a place never names two contents, and the records of an epoch continue one another. */
export function checkChain(
  rows: readonly LedgerRow[],
  options: { readonly mayHaveGaps: boolean },
): void {
  const placed = [...rows].sort((left, right) => order(left, right))
  for (const [index, row] of placed.entries()) {
    const { epoch, seq } = row.header
    const before = placed[index - 1]
    const follows = before?.header.epoch === epoch
    const expected = follows ? before.header.seq + 1 : 1
    if (seq < expected) throw new Violation(`${epoch}/${seq} names two records`)
    if (seq > expected) {
      if (!options.mayHaveGaps) throw new Violation(`${epoch}: a gap before ${seq}`)
      continue
    }
    if (!follows) continue
    const body = { type: 'event', bytes: row.event ?? new Uint8Array() } as const
    if (chainHash(before.hash, { header: row.header, body }) !== row.hash)
      throw new Violation(`the chain breaks at ${epoch}/${seq}`)
  }
}

function order(left: LedgerRow, right: LedgerRow): number {
  if (left.header.epoch === right.header.epoch) return left.header.seq - right.header.seq
  return left.header.epoch < right.header.epoch ? -1 : 1
}
