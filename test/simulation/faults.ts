import type { Random } from '../../gateway/core/random.js'
import { below } from '../support/sample.js'
import type { Climate } from './climate.js'
import type { Disk } from './disk.js'
import type { Headquarters } from './headquarters.js'
import { type Broker, FAIR } from './network.js'
import type { Shop } from './shop.js'
import type { Timeline } from './timeline.js'

const HOUR_MS = 60 * 60 * 1000

export interface Places {
  readonly random: Random
  readonly timeline: Timeline
  readonly shops: readonly Shop[]
  /** Nobody in direct mode. */
  readonly headquarters: Headquarters | undefined
  readonly broker: Broker
  /** An older state of the ledger is put back. */
  readonly restore: (options: { readonly downMs: number; readonly isLive: boolean }) => void
}

/** Does to a world what its seed says, one fault at a time. */
export class Faults {
  readonly #places: Places
  readonly #climate: Climate
  readonly #faults: readonly (() => void)[]
  readonly #full = new Set<Disk>()

  constructor(places: Places, climate: Climate) {
    this.#places = places
    this.#climate = climate
    const { headquarters } = places
    const cut = (): void => this.#shop().anyStore.powerCut({ downMs: this.#downMs() })
    const copy = (): void => this.#shop().copyCard()
    const swap = (): void => this.#shop().rollBack(this.#downMs())
    const plug = (): void => this.#shop().plugTwin()
    this.#faults = [
      cut,
      cut,
      () => this.#shop().anyStore.connection?.reset(),
      () => this.#shop().anyStore.connection?.breakSilently(),
      () => this.#shop().anyStore.jumpClock(),
      () => this.#changeWeather(),
      () => this.#changeWeather(),
      ...(headquarters === undefined ? [] : this.#headquartersFaults(headquarters)),
      ...(climate.rollbacks ? [copy, swap, swap, swap] : []),
      ...(climate.twins ? [copy, plug, plug, plug] : []),
      ...(climate.fullDisks ? [() => this.#fill(), () => this.#fill()] : []),
    ]
  }

  strike(): void {
    const { random } = this.#places
    this.#faults[below(random, this.#faults.length)]?.()
  }

  /** The weather clears, and there is room on all disks. */
  end(): void {
    Object.assign(this.#places.broker.weather, FAIR)
    for (const disk of this.#full) disk.free()
  }

  #headquartersFaults(headquarters: Headquarters): readonly (() => void)[] {
    const { random } = this.#places
    const any = () => headquarters.receivers[below(random, headquarters.receivers.length)]
    const restore = (): void =>
      this.#places.restore({ downMs: 20_000 + this.#downMs(), isLive: random.unit() < 0.3 })
    const backUp = (): void => void headquarters.backUp()
    return [
      () => headquarters.crash(this.#downMs()),
      () => headquarters.database.crash({ downMs: this.#downMs() }),
      () => any()?.kill(this.#downMs()),
      () => any()?.connection?.reset(),
      () => any()?.connection?.breakSilently(),
      backUp,
      backUp,
      ...(this.#climate.restores ? [restore, restore] : []),
    ]
  }

  #shop(): Shop {
    const { random, shops } = this.#places
    const shop = shops[below(random, shops.length)]
    if (shop === undefined) throw new Error('a world without shops')
    return shop
  }

  /** From a second to an hour, short ones more often; minutes where many things wait meanwhile. */
  #downMs(): number {
    const longestMs = this.#climate.isPatient ? HOUR_MS : HOUR_MS / 6
    return 1000 * (longestMs / 1000) ** (this.#places.random.unit() ** 2)
  }

  #changeWeather(): void {
    const { random, broker, headquarters } = this.#places
    const isFair = random.unit() < 0.4
    // Direct mode promises as much as its broker keeps.
    const forgotten = headquarters === undefined ? 0 : 0.3 * random.unit()
    // There and back within the time of a PUBACK: beyond it no connection lives, and nothing moves.
    const bad = { delayMs: 9000 * random.unit(), doubled: 0.3, forgotten }
    Object.assign(broker.weather, isFair ? FAIR : bad)
  }

  /** Somebody else's file takes all room of one disk, for a while. */
  #fill(): void {
    const { random, timeline, headquarters } = this.#places
    const isOurs = headquarters === undefined || random.unit() < 0.7
    const disk = isOurs ? this.#shop().anyStore.disk : headquarters.database.disk
    this.#full.add(disk)
    disk.fill()
    timeline.schedule(this.#downMs(), () => disk.free())
  }
}
