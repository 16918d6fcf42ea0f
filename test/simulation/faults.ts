import type { Random } from '../../gateway/core/random.js'
import { below } from '../support/sample.js'
import type { Table } from './disk.js'
import type { Headquarters } from './headquarters.js'
import type { Witness } from './invariants.js'
import { type Broker, FAIR } from './network.js'
import type { Store } from './store.js'

const HOUR_MS = 60 * 60 * 1000

export interface Places {
  readonly random: Random
  readonly store: Store
  readonly headquarters: Headquarters
  readonly broker: Broker
  readonly witness: Witness
}

/** Which of the rarer faults a run has, so that without them nothing at all may be amiss. */
export interface Climate {
  readonly rollbacks: boolean
  readonly restores: boolean
}

/** Does to a world what its seed says, one fault at a time. */
export class Faults {
  readonly #places: Places
  readonly #faults: readonly (() => void)[]
  #image: Table | undefined

  constructor(places: Places, { rollbacks, restores }: Climate) {
    this.#places = places
    const { store, headquarters } = places
    this.#faults = [
      () => store.powerCut({ downMs: this.#downMs() }),
      () => store.powerCut({ downMs: this.#downMs() }),
      () => headquarters.crash({ downMs: this.#downMs() }),
      () => headquarters.crash({ downMs: this.#downMs() }),
      () => store.connection?.reset(),
      () => headquarters.connection?.reset(),
      () => store.connection?.breakSilently(),
      () => headquarters.connection?.breakSilently(),
      () => store.jumpClock(),
      () => this.#changeWeather(),
      () => this.#changeWeather(),
      () => headquarters.backUp(),
      () => headquarters.backUp(),
      ...(rollbacks ? [() => this.#copyCard(), () => this.#rollBack()] : []),
      ...(restores ? [() => this.#restore(), () => this.#restore()] : []),
    ]
  }

  strike(): void {
    const { random } = this.#places
    this.#faults[below(random, this.#faults.length)]?.()
  }

  /** From a second to an hour, short ones more often. */
  #downMs(): number {
    return 1000 * (HOUR_MS / 1000) ** (this.#places.random.unit() ** 2)
  }

  #changeWeather(): void {
    const { random, broker } = this.#places
    const isFair = random.unit() < 0.4
    // There and back within the time of a PUBACK: beyond it no connection lives, and nothing moves.
    const bad = { delayMs: 9000 * random.unit(), doubled: 0.3, forgotten: 0.3 * random.unit() }
    Object.assign(broker.weather, isFair ? FAIR : bad)
  }

  #copyCard(): void {
    this.#image = this.#places.store.disk.durable.copy()
  }

  #rollBack(): void {
    const { store, headquarters, witness } = this.#places
    if (this.#image === undefined || store.journal === undefined) return
    store.powerCut({ downMs: this.#downMs(), image: this.#image })
    witness.rolledBack(this.#image, headquarters.disk.durable)
  }

  #restore(): void {
    const { headquarters, witness } = this.#places
    if (headquarters.restore(this.#downMs())) witness.ledgerRestored(headquarters.disk.durable)
  }
}
