import type { StoreId } from '../../gateway/core/ids.js'
import type { Table } from './disk.js'
import { type Facts, saidIn } from './facts.js'

/** What became of one sale or reading that its terminal saw acknowledged. */
interface Fate {
  readonly store: StoreId
  /** The card with its only copy in the shop was replaced by an older one. */
  isOffTheCard: boolean
  /** It was then in no ledger either: physically destroyed, nothing can bring it back. */
  isDestroyed: boolean
  /** The room was taken for money: header and digest are left of it. */
  evictedAt?: string
}

/** What must be said of a card that was put back: the records that HQ has beyond it. */
interface Rollback {
  readonly epochs: ReadonlySet<string>
}

/** What the world has seen; it knows more than stores and HQ together. */
export class Witness {
  readonly #fates = new Map<string, Fate>()
  readonly #fannedOut = new Set<string>()
  readonly #evictedBefore = new Map<string, string>()
  /** What stores and HQ said is wrong, in their own words. */
  readonly alarms: string[] = []
  /** HQ could not be sure that the broker had handed out all receipts. */
  isUnsure = false
  restores = 0
  /** What HQ holds of each card's future that was put back; a restore may take it away. */
  rollbacks: Rollback[] = []
  /** Cards that were put back, or copied into another gateway. */
  swaps = 0

  get fates(): ReadonlyMap<string, Readonly<Fate>> {
    return this.#fates
  }

  get destroyed(): number {
    return [...this.#fates.values()].filter(fate => fate.isDestroyed).length
  }

  hear(line: string): void {
    if (/it is not sure/.test(line)) this.isUnsure = true
    if (/"level":50/.test(line)) this.alarms.push(line)
  }

  acknowledge(store: StoreId, id: string): void {
    if (this.#fates.has(id)) return
    const place = this.#evictedBefore.get(id)
    const evicted = place === undefined ? {} : { evictedAt: place }
    this.#fates.set(id, { store, isOffTheCard: false, isDestroyed: false, ...evicted })
  }

  evicted({ said, place }: Facts): void {
    if (said === undefined) return
    this.#evictedBefore.set(said, place)
    const fate = this.#fates.get(said)
    if (fate !== undefined) fate.evictedAt = place
  }

  fannedOut(payload: Uint8Array | string): void {
    const id = /"id":"([^"]+)"/.exec(Buffer.from(payload).toString('utf8'))?.[1]
    if (id !== undefined) this.#fannedOut.add(id)
  }

  wasFannedOut(id: string): boolean {
    return this.#fannedOut.has(id)
  }

  /** An older card was put in. `cards`: all of the shop as they are now. */
  rolledBack(options: {
    readonly store: StoreId
    readonly cards: readonly Table[]
    readonly ledger: Table
    /** Epochs of which the ledger holds more than the card. */
    readonly beyond: ReadonlySet<string>
  }): void {
    const { store, cards, ledger, beyond } = options
    this.swaps += 1
    this.rollbacks = [...this.rollbacks, { epochs: beyond }]
    const kept = cards.map(saidIn)
    const atHeadquarters = saidIn(ledger)
    for (const [id, fate] of this.#fates) {
      if (fate.store !== store || kept.some(ids => ids.has(id))) continue
      fate.isOffTheCard = true
      if (!atHeadquarters.has(id)) fate.isDestroyed = true
    }
  }

  ledgerRestored(ledger: Table): void {
    this.restores += 1
    this.rollbacks = []
    const atHeadquarters = saidIn(ledger)
    for (const [id, fate] of this.#fates)
      if (fate.isOffTheCard && !atHeadquarters.has(id)) fate.isDestroyed = true
  }
}
