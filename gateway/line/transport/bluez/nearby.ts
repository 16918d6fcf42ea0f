import type { Clock } from '../../../core/clock.js'
import { TillbridgeError } from '../../../core/errors.js'
import { LIMITS } from '../../../core/limits.js'
import type { DeviceObject, TreeChange } from './object-tree.js'
import { type BleSelector, isSelected } from './selector.js'

/** How a terminal was heard last. */
export interface Heard {
  readonly device: DeviceObject
  readonly rssiDbm: number | undefined
  readonly atMs: number
}

interface Seeker {
  readonly selector: BleSelector
  found(device: DeviceObject): void
}

/** Who is around, who looks for whom, and who is taken: each device goes to one that seeks it. */
export class Nearby {
  readonly #clock: Clock
  readonly #heard = new Map<string, Heard>()
  readonly #listeners = new Set<(heard: Heard) => void>()
  readonly #seekers = new Set<Seeker>()
  readonly #taken = new Set<string>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get all(): readonly Heard[] {
    return [...this.#heard.values()]
  }

  /** Devices that are connected or being connected. */
  get taken(): number {
    return this.#taken.size
  }

  get listeners(): number {
    return this.#listeners.size
  }

  /** Somebody wants to be told what is around. */
  get isWanted(): boolean {
    return this.#seekers.size + this.#listeners.size > 0
  }

  rssiOf(path: string): number | undefined {
    return this.#heard.get(path)?.rssiDbm
  }

  take(path: string): void {
    this.#taken.add(path)
  }

  /** It has to be heard anew: BlueZ knows a terminal long after it was switched off. */
  release(path: string): void {
    this.#taken.delete(path)
    this.#heard.delete(path)
  }

  forget(path: string): void {
    this.#heard.delete(path)
  }

  listen(selector: BleSelector, onHeard: (heard: Heard) => void): () => void {
    const listener = (heard: Heard): void => {
      if (isSelected(selector, heard.device)) onHeard(heard)
    }
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  hear(device: DeviceObject, properties: TreeChange['properties']): void {
    const { RSSI: rssi } = properties
    const rssiDbm = typeof rssi === 'number' ? rssi : this.rssiOf(device.path)
    const heard = { device, rssiDbm, atMs: this.#clock.monotonicMs() }
    this.#heard.set(device.path, heard)
    for (const listener of [...this.#listeners]) listener(heard)
    for (const seeker of [...this.#seekers]) {
      if (!this.#isFree(seeker.selector, device)) continue
      this.#seekers.delete(seeker)
      seeker.found(device)
      return
    }
  }

  /** @throws TillbridgeError TB_LINE_RADIO, TB_LINE_UNAVAILABLE */
  async find(
    selector: BleSelector,
    options: {
      readonly signal: AbortSignal
      /** Everything that BlueZ knows, heard or not. */
      readonly known: () => readonly DeviceObject[]
      readonly trouble: () => string | undefined
      /** Called once it is looked for. */
      readonly seeking: () => void
    },
  ): Promise<DeviceObject> {
    const near = this.#near(selector)
    if (near !== undefined) return near
    const { signal, known, trouble, seeking } = options
    let found: DeviceObject | undefined
    const over = new AbortController()
    const stop = (): void => over.abort()
    const seeker: Seeker = {
      selector,
      found: device => {
        found = device
        stop()
      },
    }
    signal.addEventListener('abort', stop, { once: true })
    if (signal.aborted) stop()
    this.#seekers.add(seeker)
    seeking()
    try {
      await this.#clock.sleep(LIMITS.bleKnownMs, over.signal)
      // BlueZ does not always say that it hears a terminal which it knows: only trying tells.
      found ??= known().find(device => this.#isFree(selector, device))
      if (found === undefined && trouble() === undefined)
        await this.#clock.sleep(LIMITS.bleFindMs, over.signal)
    } finally {
      this.#seekers.delete(seeker)
      signal.removeEventListener('abort', stop)
    }
    if (signal.aborted) throw new TillbridgeError('TB_LINE_UNAVAILABLE', 'stopped')
    if (found !== undefined) return found
    const reason = trouble()
    if (reason !== undefined) throw new TillbridgeError('TB_LINE_RADIO', reason)
    const seconds = (LIMITS.bleKnownMs + LIMITS.bleFindMs) / 1000
    throw new TillbridgeError('TB_LINE_UNAVAILABLE', `not heard within ${seconds} s`)
  }

  #near(selector: BleSelector): DeviceObject | undefined {
    return this.all.find(({ device, atMs }) => {
      const isRecent = this.#clock.monotonicMs() - atMs <= LIMITS.bleNearMs
      return isRecent && this.#isFree(selector, device)
    })?.device
  }

  #isFree(selector: BleSelector, device: DeviceObject): boolean {
    return !this.#taken.has(device.path) && isSelected(selector, device)
  }
}
