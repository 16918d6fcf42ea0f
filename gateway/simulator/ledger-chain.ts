import { createHash } from 'node:crypto'

/**
 * The hash chain of a store's journal, recomputed from an export of the ledger. Part of the ledger
 * checker: written from the protocol's text alone and sharing no code with what it checks.
 */

/**
 * What of an exported row the chain covers. `event` is the exact text, null for an evicted record.
 */
export interface ChainRow {
  readonly epoch: string
  readonly seq: number
  readonly hash: string
  readonly header: unknown
  readonly event: string | null
}

export interface ChainReport {
  readonly epochs: number
  readonly records: number
  /** Records whose hash was recomputed from their predecessor's. */
  readonly verified: number
  /** Records behind a hole: not there yet, or lost. */
  readonly unverified: number
  /** Wrong hashes, forks and positions filled twice, in words. */
  readonly breaks: readonly string[]
}

interface Previous {
  readonly epoch: string
  readonly last: number
  readonly head: string
}

interface Epoch {
  /** The hash at every position that is there. */
  readonly hashes: Map<number, string>
  /** Rows behind a hole, until it closes. */
  readonly waiting: Map<number, ChainRow>
  /** Its first record's word on the epoch before it; `none` in a journal's first epoch. */
  previous: Previous | 'none' | 'unknown'
  /** Everything up to here is there and verified. */
  upTo: number
}

const GENESIS = '0'.repeat(64)

/** The order of epochs: they are named `<ordinal>-<random>`. */
export function epochOrdinal(epoch: string): number {
  return Number(epoch.slice(0, epoch.indexOf('-')))
}

/** One store's chain, fed rows in any order. */
export class LedgerChain {
  readonly #epochs = new Map<string, Epoch>()
  readonly #breaks: string[] = []

  add(row: ChainRow): void {
    const epoch = this.#epoch(row.epoch)
    if (epoch.hashes.has(row.seq)) {
      this.#breaks.push(`${name(row)}: stands there twice`)
      return
    }
    epoch.hashes.set(row.seq, row.hash)
    epoch.waiting.set(row.seq, row)
    if (row.seq === 1) epoch.previous = previousOf(row)
    this.#advance(epoch)
  }

  /** Whether everything before this position is there: nothing older can still be on its way. */
  isSettled(position: { readonly epoch: string; readonly seq: number }): boolean {
    const epoch = this.#epochs.get(position.epoch)
    if (epoch === undefined || epoch.upTo < position.seq) return false
    if (epoch.previous === 'none') return true
    if (epoch.previous === 'unknown') return false
    const { epoch: before, last } = epoch.previous
    return last === 0 || this.isSettled({ epoch: before, seq: last })
  }

  report(): ChainReport {
    let records = 0
    let verified = 0
    for (const epoch of this.#epochs.values()) {
      records += epoch.hashes.size
      verified += epoch.upTo
    }
    const breaks = [...this.#breaks, ...this.#wrongJoins()]
    return { epochs: this.#epochs.size, records, verified, unverified: records - verified, breaks }
  }

  #epoch(id: string): Epoch {
    const known = this.#epochs.get(id)
    if (known !== undefined) return known
    const made: Epoch = { hashes: new Map(), waiting: new Map(), previous: 'unknown', upTo: 0 }
    this.#epochs.set(id, made)
    return made
  }

  #advance(epoch: Epoch): void {
    for (;;) {
      const row = epoch.waiting.get(epoch.upTo + 1)
      if (row === undefined) return
      epoch.waiting.delete(row.seq)
      if (member(row.header, 'epoch') !== row.epoch || member(row.header, 'seq') !== row.seq)
        this.#breaks.push(`${name(row)}: its header names another position`)
      if (row.hash !== hashAfter(headBefore(epoch), row))
        this.#breaks.push(`${name(row)}: its hash does not follow from the record before it`)
      epoch.upTo += 1
    }
  }

  /**
   * Where an epoch's first record misstates the end of the one before, or two continue the same.
   */
  #wrongJoins(): string[] {
    const wrong: string[] = []
    const continued = new Map<string, string>()
    for (const [id, epoch] of this.#epochs) {
      if (typeof epoch.previous === 'string') {
        if (epoch.previous === 'none') note('the beginning', id)
        continue
      }
      const { epoch: before, last, head } = epoch.previous
      note(before, id)
      const end = this.#epochs.get(before)
      if (end === undefined) continue // not there yet: counts as unsettled, not as broken
      const stands = end.hashes.get(last)
      if (stands !== undefined && stands !== head)
        wrong.push(`${id}: continues ${before}/${last} by another hash than stands there`)
      if (end.hashes.has(last + 1))
        wrong.push(`${id}: continues ${before} at ${last}, but the ledger holds more of it`)
      if (epochOrdinal(before) >= epochOrdinal(id)) wrong.push(`${id}: continues a later epoch`)
    }
    return wrong

    function note(before: string, id: string): void {
      const other = continued.get(before)
      if (other !== undefined) wrong.push(`fork: ${other} and ${id} both continue ${before}`)
      continued.set(before, id)
    }
  }
}

function headBefore(epoch: Epoch): string {
  const hash = epoch.hashes.get(epoch.upTo)
  if (hash !== undefined) return hash
  return typeof epoch.previous === 'string' ? GENESIS : epoch.previous.head
}

/** SHA-256(previous hash ‖ header in canonical JSON ‖ SHA-256 of the event's bytes). */
function hashAfter(previous: string, row: ChainRow): string {
  // An evicted record is exported without its digest: its own hash is all there is to go on.
  if (row.event === null) return row.hash
  return createHash('sha256')
    .update(Buffer.from(previous, 'hex'))
    .update(sortedJson(row.header))
    .update(createHash('sha256').update(row.event, 'utf8').digest())
    .digest('hex')
}

/** RFC 8785 for what a header holds: keys sorted, no white space, integers and plain texts. */
function sortedJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(sortedJson).join(',')}]`
  const members = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1))
  const texts = members.map(([key, member]) => `${JSON.stringify(key)}:${sortedJson(member)}`)
  return `{${texts.join(',')}}`
}

function previousOf(first: ChainRow): Previous | 'none' {
  const event: unknown = first.event === null ? undefined : JSON.parse(first.event)
  const previous = member(member(event, 'data'), 'previous')
  const [epoch, last, head] = ['epoch', 'last', 'head'].map(key => member(previous, key))
  if (typeof epoch !== 'string' || typeof last !== 'number' || typeof head !== 'string')
    return 'none'
  return { epoch, last, head }
}

/** A member of a JSON object, undefined where there is none or it is no object. */
export function member(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  return Object.entries(value).find(([name]) => name === key)?.[1]
}

function name(row: ChainRow): string {
  return `${row.epoch}/${row.seq}`
}
