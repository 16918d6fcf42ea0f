import type { Clock } from '../../../core/clock.js'
import { messageOf, TillbridgeError } from '../../../core/errors.js'
import { LIMITS } from '../../../core/limits.js'
import { within } from '../../../core/within.js'
import { type BluezBus, type BusDevice, BusError } from './bluez-bus.js'
import { CHARACTERISTIC, type CharacteristicObject, type TreeChange } from './object-tree.js'

/** As `WriteValue` names them: acknowledged by the terminal, or handed to the radio. */
export type WriteType = 'request' | 'command'

/** Answers that mean that the bond is not worth anything any more. */
const BOND_LOST =
  /Authentication(Failed|Rejected)|NotAuthorized|NotPaired|ATT error: 0x0[58f]|insufficient/i

export function isBondLost(thrown: unknown): boolean {
  if (thrown instanceof TillbridgeError) return isBondLost(thrown.cause)
  return thrown instanceof BusError && BOND_LOST.test(`${thrown.name} ${thrown.message}`)
}

/** A connected terminal with its services resolved. It ends once, for whatever reason. */
export class GattLink {
  readonly path: string
  /** What the terminal has; the paths are good for this link alone. */
  readonly characteristics: readonly CharacteristicObject[]
  readonly #bus: BluezBus
  readonly #device: BusDevice
  readonly #clock: Clock
  readonly #ended: (link: GattLink) => void
  readonly #onValue = new Map<string, (value: Uint8Array) => void>()
  #onLost: (reason: string, cause?: unknown) => void = () => undefined
  #lostFor: string | undefined

  constructor(options: {
    readonly path: string
    readonly characteristics: readonly CharacteristicObject[]
    readonly bus: BluezBus
    readonly device: BusDevice
    readonly clock: Clock
    /** Called once, when the link is over and what it held is let go. */
    readonly ended: (link: GattLink) => void
  }) {
    this.path = options.path
    this.characteristics = options.characteristics
    this.#bus = options.bus
    this.#device = options.device
    this.#clock = options.clock
    this.#ended = options.ended
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

  /** Every notification or indication from now on, in order. @throws TB_LINE_CLOSED */
  async subscribe(
    characteristic: CharacteristicObject,
    onValue: (value: Uint8Array) => void,
  ): Promise<void> {
    this.#onValue.set(characteristic.path, onValue)
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
    if (type === 'told' && value instanceof Uint8Array)
      this.#onValue.get(path)?.(new Uint8Array(value))
    if (type === 'gone' && this.#onValue.has(path))
      this.lose('the terminal has other services than before')
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
