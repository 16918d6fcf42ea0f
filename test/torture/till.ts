import { systemClock } from '../../gateway/core/clock.js'
import { type Begun, TillLog } from '../../gateway/simulator/till-log.js'
import { TILL_MODELS } from '../../gateway/simulator/till-model.js'
import { basketOf, type TillSale } from '../../gateway/simulator/till-sale.js'

/** Every so many sales one is a whole trolley: its record spans several blocks of LevelDB's log. */
const TROLLEY_EVERY = 29
const TROLLEY_LINES = 60

/**
 * A till that waits for its answer and repeats what was not answered; what it writes down itself,
 * synced, is the evidence. It lives in the parent and survives every kill.
 */
export class Till {
  readonly id: string
  readonly #seed: number
  readonly #log: TillLog
  #sales: number
  #open: Begun | undefined

  constructor(options: { readonly id: string; readonly seed: number; readonly path: string }) {
    this.id = options.id
    this.#seed = options.seed
    const { id: till, path } = options
    this.#log = new TillLog({ path, till, numbered: true, clock: systemClock })
    this.#sales = this.#log.memory.sales
    this.#open = this.#log.memory.unacknowledged
  }

  /** The sale that waits for its answer, or the next one. */
  sell(): { readonly till: string; readonly n: number; readonly sale: TillSale } {
    this.#open ??= this.#begin()
    const { n, sale } = this.#open
    return { till: this.id, n, sale }
  }

  acknowledged(n: number): void {
    if (this.#open?.n !== n)
      throw new Error(`${this.id}: an answer to sale ${n}, which is not open`)
    this.#log.acknowledged(n)
    this.#open = undefined
  }

  close(): void {
    this.#log.close()
  }

  #begin(): Begun {
    this.#sales += 1
    const n = this.#sales
    const booking = { receiptNumber: n, businessDay: '2026-11-22' }
    const sale = TILL_MODELS.lrc.saleOf(basketOf(this.#seed, n), booking)
    return this.#log.begin(n, n % TROLLEY_EVERY === 0 ? withBags(sale) : sale)
  }
}

function withBags(sale: TillSale): TillSale {
  const bags = Array.from({ length: TROLLEY_LINES }, (_, index) => ({
    lineNumber: sale.lineItems.length + index + 1,
    plu: '9999',
    description: 'CARRIER BAG, FREE OF CHARGE',
    quantity: '1',
    amountMinor: 0,
  }))
  return { ...sale, lineItems: [...sale.lineItems, ...bags] }
}
