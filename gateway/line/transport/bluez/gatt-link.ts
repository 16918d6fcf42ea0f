import type { Clock } from '../../../core/clock.js'
import { messageOf, TillbridgeError } from '../../../core/errors.js'
import { LIMITS } from '../../../core/limits.js'
import { within } from '../../../core/within.js'
import { type BluezBus, type BusDevice, BusError } from './bluez-bus.js'
import {
  CHARACTERISTIC,
  type CharacteristicObject,
  type ObjectTree,
  type TreeChange,
} from './object-tree.js'

/** As `WriteValue` names them: acknowledged by the terminal, or handed to the radio. */
export type WriteType = 'request' | 'command'

/** Answers that mean that the bond is not worth anything any more. */
const BOND_LOST =
  /Authentication(Failed|Rejected)|NotAuthorized|NotPaired|ATT error: 0x0[58f]|insufficient/i

export function isBondLost(thrown: unknown): boolean {
  if (thrown instanceof TillbridgeError) return isBondLost(thrown.cause)
  return thrown instanceof BusError && BOND_LOST.test(`${thrown.name} ${thrown.message}`)
}

/** A terminal from when it is connected with. It ends once, for whatever reason. */
export class GattLink {
  readonly path: string
  readonly #tree: ObjectTree
  readonly #bus: BluezBus
  readonly #device: BusDevice
  readonly #clock: Clock
  readonly #ended: (link: GattLink) => void
  readonly #onValue = new Map<string, (value: Uint8Array) => void>()
  /**
   * What came before it was subscribed to: BlueZ subscribes again by itself to what was subscribed
   * to before, so that a terminal speaks as soon as it is connected.
   */
  readonly #early: { readonly path: string; readonly value: Uint8Array }[] = []
  #onLost: (reason: string, cause?: unknown) => void = () => undefined
  #lostFor: string | undefined

  constructor(options: {
    readonly path: string
    readonly tree: ObjectTree
    readonly bus: BluezBus
    readonly device: BusDevice
    readonly clock: Clock
    /** Called once, when the link is over and what it held is let go. */
    readonly ended: (link: GattLink) => void
  }) {
    this.path = options.path
    this.#tree = options.tree
    this.#bus = options.bus
    this.#device = options.device
    this.#clock = options.clock
    this.#ended = options.ended
  }

  /** What the terminal has, once its services are resolved; the paths are good for this link. */
  get characteristics(): readonly CharacteristicObject[] {
    return this.#tree.characteristics(this.path)
  }

  /** Told at once where the link is lost already. */
  onLost(listener: (reason: string, cause?: unknown) => void): void {
    this.#onLost = listener
    if (this.#lostFor !== undefined) listener(this.#lostFor)
  }

  /** @throws TillbridgeError TB_LINE_CLOSED, and the link is over */
  async read(characteristic: CharacteristicObject): Promise<Uint8Array> {
    const [value] = await this.#ask(characteristic, {
      member: 'ReadValue',
      signature: 'a{sv}',
      body: [{}],
    })
    return value instanceof Uint8Array ? new Uint8Array(value) : new Uint8Array(0)
  }

  /** Resolves when the terminal, or for a `command` the radio, has it. @throws TB_LINE_CLOSED */
  async write(
    characteristic: CharacteristicObject,
    value: { readonly bytes: Uint8Array; readonly type: WriteType },
  ): Promise<void> {
    await this.#ask(characteristic, {
      member: 'WriteValue',
      signature: 'aya{sv}',
      body: [[...value.bytes], { type: this.#bus.text(value.type) }],
    })
  }

  /** Every notification or indication of this link, in order. @throws TB_LINE_CLOSED */
  async subscribe(
    characteristic: CharacteristicObject,
    onValue: (value: Uint8Array) => void,
  ): Promise<void> {
    const { path } = characteristic
    this.#onValue.set(path, onValue)
    for (const early of this.#early) if (early.path === path) onValue(early.value)
    await this.#ask(characteristic, { member: 'StartNotify' })
  }

  /** What the tree says of this link's objects. */
  changed({ path, type, properties }: TreeChange): void {
    if (path === this.path) {
      if (type === 'gone') this.lose('BlueZ does not know the terminal any more')
      else if (properties['Connected'] === false)
        this.lose('the terminal ended the link, or is out of range')
      return
    }
    const { Value: value } = properties
    if (type === 'told' && value instanceof Uint8Array) this.#came(path, new Uint8Array(value))
    if (type === 'gone' && this.#onValue.has(path))
      this.lose('the terminal has other services than before')
  }

  #came(path: string, value: Uint8Array): void {
    const onValue = this.#onValue.get(path)
    if (onValue !== undefined) onValue(value)
    else if (this.#early.length < LIMITS.bleEarlyValues) this.#early.push({ path, value })
  }

  lose(reason: string, cause?: unknown): void {
    if (!this.#end(reason)) return
    this.#onLost(reason, cause)
  }

  /** Idempotent; resolves when BlueZ has let go of the terminal, or will not say so. */
  async close(): Promise<void> {
    if (!this.#end('closed')) return
    await this.hangUp()
  }

  /** Has BlueZ end the link, however far it got. */
  async hangUp(): Promise<void> {
    await this.#device.disconnect(LIMITS.bleFarewellMs).catch(() => undefined)
    this.#device.release()
  }

  #end(reason: string): boolean {
    if (this.#lostFor !== undefined) return false
    this.#lostFor = reason
    this.#onValue.clear()
    this.#device.release()
    this.#ended(this)
    return true
  }

  async #ask(
    { path }: CharacteristicObject,
    call: {
      readonly member: string
      readonly signature?: string
      readonly body?: readonly unknown[]
    },
  ): Promise<readonly unknown[]> {
    if (this.#lostFor !== undefined) throw new TillbridgeError('TB_LINE_CLOSED', this.#lostFor)
    const withinMs = LIMITS.bleAnswerMs
    try {
      return await this.#bus.call({ path, interface: CHARACTERISTIC, withinMs, ...call })
    } catch (thrown) {
      // A terminal that does not answer is let go: BlueZ would hold on to it for half a minute.
      const reason = `${call.member}: ${messageOf(thrown)}`
      this.lose(reason, thrown)
      await within(this.#clock, { ms: LIMITS.bleFarewellMs, work: this.hangUp() })
      throw new TillbridgeError('TB_LINE_CLOSED', reason, { cause: thrown })
    }
  }
}
