import type { Message } from 'dbus-next'
import type { Clock } from '../../core/clock.js'
import { BluezError, type ExportedObjects, type Properties } from './exported-objects.js'
import type { Peripheral, PeripheralCharacteristic } from './peripheral.js'

const DEVICE = 'org.bluez.Device1'
const SERVICE = 'org.bluez.GattService1'
const CHARACTERISTIC = 'org.bluez.GattCharacteristic1'
const ATT_TIMEOUT = 'Operation failed with ATT error: 0x0e'

/** What is done behind the reply. */
export type After = () => void

/** Services and characteristics of connected peripherals, as BlueZ shows them. */
export class GattServer {
  readonly #objects: ExportedObjects
  readonly #clock: Clock
  readonly #patienceMs: number
  readonly #drop: (peripheral: Peripheral) => void

  constructor(options: {
    readonly objects: ExportedObjects
    readonly clock: Clock
    readonly patienceMs: number
    readonly drop: (peripheral: Peripheral) => void
  }) {
    this.#objects = options.objects
    this.#clock = options.clock
    this.#patienceMs = options.patienceMs
    this.#drop = options.drop
  }

  /** False where nobody has subscribed. */
  notify(peripheral: Peripheral, uuid: string, bytes: Uint8Array): boolean {
    const path = this.#objects.paths.find(
      one =>
        one.startsWith(`${peripheral.path}/`) &&
        this.#objects.value(one, CHARACTERISTIC, 'UUID') === uuid,
    )
    const isHeard = path !== undefined && (peripheral.subscribers.get(path)?.size ?? 0) > 0
    if (!peripheral.isConnected || !isHeard) return false
    const size = peripheral.mtu - 3
    for (let at = 0; at < bytes.length; at += size)
      this.#objects.say(path, CHARACTERISTIC, {
        Value: ['ay', Buffer.from(bytes.subarray(at, at + size))],
      })
    return true
  }

  /** Paths count handles, as BlueZ names them. */
  expose(peripheral: Peripheral): void {
    if (!peripheral.isConnected) return
    let handle = 5
    const next = (): string => (++handle).toString(16).padStart(4, '0')
    for (const { uuid, characteristics } of peripheral.options.services ?? []) {
      const path = `${peripheral.path}/service${next()}`
      this.#addOnce(path, SERVICE, {
        UUID: ['s', uuid],
        Device: ['o', peripheral.path],
        Primary: ['b', true],
      })
      for (const one of characteristics) {
        this.#addOnce(`${path}/char${next()}`, CHARACTERISTIC, {
          UUID: ['s', one.uuid],
          Service: ['o', path],
          Value: ['ay', []],
          Notifying: ['b', false],
          Flags: ['as', [...one.flags]],
          MTU: ['q', peripheral.mtu],
        })
        handle += 2
      }
    }
    this.#objects.change(peripheral.path, DEVICE, { ServicesResolved: true })
  }

  #addOnce(path: string, name: string, properties: Properties): void {
    if (!this.#objects.has(path, name)) this.#objects.add(path, name, properties)
  }

  async call(
    message: Message,
    { peripheral, after }: { readonly peripheral: Peripheral; readonly after: After[] },
  ): Promise<unknown> {
    const { path, member, sender, body } = message
    const subscribers = peripheral.subscribers.get(path) ?? new Set()
    peripheral.subscribers.set(path, subscribers)
    const one = this.#characteristic(peripheral, path)
    const has = (flag: string): boolean => one.flags.includes(flag)
    if (member === 'StopNotify') {
      if (!subscribers.delete(sender)) throw new BluezError('Failed', 'No notify session started')
      this.#objects.change(path, CHARACTERISTIC, { Notifying: subscribers.size > 0 })
      return undefined
    }
    if (!peripheral.isConnected) throw new BluezError('Failed', 'Not connected')
    if (member === 'StartNotify') {
      if (!has('notify') && !has('indicate'))
        throw new BluezError('NotSupported', 'Operation is not supported')
      subscribers.add(sender)
      this.#objects.change(path, CHARACTERISTIC, { Notifying: true })
      return undefined
    }
    if (member === 'ReadValue') {
      if (!has('read')) throw new BluezError('NotPermitted', 'Read not permitted')
      await this.#answered(peripheral)
      const value = Buffer.from(one.value ?? [])
      // A read shows as a change, before its reply.
      this.#objects.say(path, CHARACTERISTIC, { Value: ['ay', value] })
      return value
    }
    const bytes = Buffer.from(body[0])
    const type = body[1].type?.value === 'command' ? 'command' : 'request'
    if (bytes.length > peripheral.mtu - 3)
      throw new BluezError('Failed', 'Failed to initiate write')
    if (!has(type === 'command' ? 'write-without-response' : 'write'))
      throw new BluezError('NotPermitted', 'Write not permitted')
    if (type === 'request') await this.#written(peripheral, path)
    after.push(() => one.onWrite?.(new Uint8Array(bytes), type))
    return undefined
  }

  async #written(peripheral: Peripheral, path: string): Promise<void> {
    if (peripheral.writing.has(path)) throw new BluezError('InProgress', 'In Progress')
    peripheral.writing.add(path)
    try {
      await this.#answered(peripheral)
    } finally {
      peripheral.writing.delete(path)
    }
  }

  /** A terminal that does not answer is dropped, and the request with it. */
  async #answered(peripheral: Peripheral): Promise<void> {
    if (!peripheral.isMute) {
      await this.#clock.sleep(peripheral.answerMs)
      return
    }
    await this.#clock.sleep(this.#patienceMs)
    this.#drop(peripheral)
    throw new BluezError('Failed', ATT_TIMEOUT)
  }

  #characteristic(peripheral: Peripheral, path: string): PeripheralCharacteristic {
    const uuid = this.#objects.value(path, CHARACTERISTIC, 'UUID')
    const all = (peripheral.options.services ?? []).flatMap(one => one.characteristics)
    const found = all.find(one => one.uuid === uuid)
    if (found === undefined) throw new BluezError('DoesNotExist', 'Does Not Exist')
    return found
  }
}
