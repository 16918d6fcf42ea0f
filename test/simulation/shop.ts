import type { Random } from '../../gateway/core/random.js'
import { below } from '../support/sample.js'
import type { Table } from './disk.js'
import { factsOf } from './facts.js'
import type { Store } from './store.js'
import type { Till, TillOptions } from './till.js'
import type { Witness } from './witness.js'

export interface ShopOptions {
  readonly random: Random
  readonly store: Store
  readonly witness: Witness
  readonly ledger: () => Table
  readonly makeTill: (options: Pick<TillOptions, 'name' | 'kind' | 'store'>) => Till
  /** Makes it sell. */
  readonly start: (till: Till) => void
}

/** One gateway with its tills; two, once somebody puts a copy of its card into another machine. */
export class Shop {
  readonly #options: ShopOptions
  #image: Table | undefined
  #twin: Store | undefined
  #tills: readonly Till[] = []

  constructor(options: ShopOptions) {
    this.#options = options
  }

  get stores(): readonly Store[] {
    return this.#twin === undefined ? [this.#options.store] : [this.#options.store, this.#twin]
  }

  get anyStore(): Store {
    const { random, store } = this.#options
    return this.stores[below(random, this.stores.length)] ?? store
  }

  get tills(): readonly Till[] {
    return this.#tills
  }

  open(): void {
    const { store } = this.#options
    store.boot()
    for (const [index, kind] of (['till', 'till', 'fridge'] as const).entries())
      this.#add({ name: `${store.name}-${kind}${index}`, kind, store })
  }

  copyCard(): void {
    this.#image = this.#options.store.disk.durable.copy()
  }

  /** Copies the card where none was copied yet; nothing while the gateway is down. */
  rollBack(downMs: number): void {
    const { store, witness, ledger } = this.#options
    const image = this.#image
    if (image === undefined) this.copyCard()
    if (image === undefined || store.journal === undefined) return
    const beyond = beyondIn(store.disk.durable, image, ledger())
    store.powerCut({ downMs, image })
    const cards = this.stores.map(({ disk }) => disk.durable)
    witness.rolledBack({ store: store.name, cards, ledger: ledger(), beyond })
  }

  /** The copied card wakes up in a second gateway, with a till of its own. */
  plugTwin(): void {
    const { store, witness } = this.#options
    const image = this.#image
    if (image === undefined) this.copyCard()
    if (image === undefined || this.#twin !== undefined) return
    const twin = store.twin(image)
    this.#twin = twin
    witness.swaps += 1
    this.#add({ name: `${store.name}-twin`, kind: 'till', store: twin })
  }

  #add(options: Pick<TillOptions, 'name' | 'kind' | 'store'>): void {
    const till = this.#options.makeTill(options)
    this.#tills = [...this.#tills, till]
    this.#options.start(till)
  }
}

/** Epochs of the lost card of which HQ holds records that the image does not. */
function beyondIn(lost: Table, image: Table, ledger: Table): ReadonlySet<string> {
  const own = new Set([...lost.values].flatMap(value => factsOf(value)?.epoch ?? []))
  const known = image.places
  const ends = new Map<string, number>()
  for (const place of known) {
    const [epoch = '', seq] = place.split('/')
    ends.set(epoch, Math.max(Number(seq), ends.get(epoch) ?? 0))
  }
  const beyond = [...ledger.places].flatMap(place => {
    const [epoch = '', seq] = place.split('/')
    const isNewer = Number(seq) > (ends.get(epoch) ?? Infinity)
    return own.has(epoch) && isNewer ? [epoch] : []
  })
  return new Set(beyond)
}
