import dbus, { type Message, type MessageBus } from 'dbus-next'
import type { Clock } from '../../core/clock.js'
import { messageOf } from '../../core/errors.js'
import { askPasskey } from './ask-passkey.js'
import { BluezError, ExportedObjects, FDO, METHODS } from './exported-objects.js'
import { type After, GattServer } from './gatt-server.js'
import { advertisementOf, Peripheral, type PeripheralOptions } from './peripheral.js'

const ADAPTER = 'org.bluez.Adapter1'
const DEVICE = 'org.bluez.Device1'

/**
 * A bluetoothd as BlueZ 5.66 was seen to be by its clients: the same objects, the same order of
 * replies and signals, the same errors. Limits that are half a minute there are `patienceMs` here.
 */
export class BluezStandIn {
  readonly #clock: Clock
  readonly #bus: MessageBus
  readonly #objects: ExportedObjects
  readonly #peripherals = new Map<string, Peripheral>()
  /** Who is to be asked when something pairs, by D-Bus name. */
  readonly #agents = new Map<string, string>()
  readonly #patienceMs: number
  readonly #gatt: GattServer
  #isKilled = false
  /** Every call, as `Device1.Connect`. */
  readonly calls: string[] = []

  private constructor(options: StandInOptions) {
    this.#clock = options.clock
    this.#patienceMs = options.patienceMs ?? 500
    this.#bus = dbus.sessionBus({ busAddress: options.busAddress })
    this.#objects = new ExportedObjects(message => this.#send(message))
    this.#gatt = new GattServer({
      objects: this.#objects,
      clock: this.#clock,
      patienceMs: this.#patienceMs,
      drop: peripheral => this.drop(peripheral),
    })
    this.#bus.on('error', () => undefined)
    this.#bus.addMethodHandler((message: Message) => {
      void this.#handle(message)
      return true
    })
  }

  static async start(options: StandInOptions): Promise<BluezStandIn> {
    const standIn = new BluezStandIn(options)
    standIn.#objects.add('/', `${FDO}.ObjectManager`, {})
    standIn.#objects.add('/org/bluez', 'org.bluez.AgentManager1', {})
    await standIn.#bus.requestName('org.bluez', 0)
    return standIn
  }

  /** As when bluetoothd is killed: no signal but that its name is gone. */
  kill(): void {
    this.#isKilled = true
    this.#bus.disconnect()
    this.#objects.clear()
  }

  addAdapter(name: string, address: string): void {
    this.#objects.add(`/org/bluez/${name}`, ADAPTER, {
      Address: ['s', address],
      AddressType: ['s', 'public'],
      Name: ['s', 'gateway'],
      Alias: ['s', 'gateway'],
      Powered: ['b', true],
      Discovering: ['b', false],
      UUIDs: ['as', []],
    })
  }

  removeAdapter(name: string): void {
    for (const peripheral of this.#on(name)) this.drop(peripheral)
    this.#objects.remove(`/org/bluez/${name}`)
  }

  setPowered(name: string, on: boolean): void {
    if (!on) for (const peripheral of this.#on(name)) this.drop(peripheral)
    const others = on ? {} : { Discovering: false }
    this.#objects.change(`/org/bluez/${name}`, ADAPTER, { Powered: on, ...others })
  }

  addPeripheral(adapter: string, options: PeripheralOptions): Peripheral {
    const path = `/org/bluez/${adapter}/dev_${options.address.replaceAll(':', '_')}`
    const peripheral = new Peripheral(options, path)
    this.#peripherals.set(path, peripheral)
    this.#heard(peripheral)
    return peripheral
  }

  /** Off: the link goes and it is not heard any more. */
  setRadio(peripheral: Peripheral, on: boolean): void {
    peripheral.isOn = on
    if (on) this.#heard(peripheral)
    else this.drop(peripheral)
  }

  /** The link is lost. */
  drop(peripheral: Peripheral): void {
    if (!peripheral.isConnected) return
    peripheral.isConnected = false
    this.#objects.change(peripheral.path, DEVICE, { ServicesResolved: false })
    this.#objects.change(peripheral.path, DEVICE, { Connected: false })
  }

  /** The paths of those that are connected. */
  get connected(): readonly string[] {
    const all = [...this.#peripherals.values()]
    return all.filter(({ isConnected }) => isConnected).map(({ path }) => path)
  }

  /** In pieces of MTU - 3, as the radio has it; false where nobody has subscribed. */
  notify(peripheral: Peripheral, uuid: string, bytes: Uint8Array): boolean {
    return this.#gatt.notify(peripheral, uuid, bytes)
  }

  #on(adapter: string): readonly Peripheral[] {
    return [...this.#peripherals.values()].filter(({ path }) =>
      path.startsWith(`/org/bluez/${adapter}/`),
    )
  }

  #heard(peripheral: Peripheral): void {
    const { path, options, rssi } = peripheral
    const adapter = path.split('/').slice(0, 4).join('/')
    const isScanning = this.#objects.value(adapter, ADAPTER, 'Discovering') === true
    if (!peripheral.isOn || peripheral.isConnected || !isScanning) return
    const advertised = advertisementOf(peripheral)
    if (this.#objects.has(path, DEVICE)) {
      this.#objects.tell(path, DEVICE, { RSSI: ['n', rssi], ...advertised })
      return
    }
    this.#objects.add(path, DEVICE, {
      Address: ['s', options.address],
      AddressType: ['s', 'public'],
      ...(options.name === undefined ? {} : { Name: ['s', options.name] }),
      Alias: ['s', options.name ?? options.address],
      Paired: ['b', false],
      Trusted: ['b', false],
      RSSI: ['n', rssi],
      Connected: ['b', false],
      UUIDs: ['as', [...(options.uuids ?? [])]],
      Adapter: ['o', adapter],
      ServicesResolved: ['b', false],
      ...advertised,
    })
  }

  #send(message: Message): void {
    if (!this.#isKilled) this.#bus.send(message)
  }

  async #handle(message: Message): Promise<void> {
    const { interface: name, member } = message
    this.calls.push(`${name.slice(name.lastIndexOf('.') + 1)}.${member}`)
    try {
      const after: After[] = []
      const own = this.#objects.answer(message)
      const value = own === undefined ? await this.#call(message, after) : own.value
      const out = METHODS[name]?.[member]?.[1] ?? ''
      this.#send(dbus.Message.newMethodReturn(message, out, out === '' ? [] : [value]))
      for (const each of after) each()
    } catch (thrown) {
      const errorName = thrown instanceof BluezError ? thrown.name : `${FDO}.Error.Failed`
      const error: unknown = Reflect.apply(dbus.Message.newError, dbus.Message, [
        message,
        errorName,
        messageOf(thrown),
      ])
      if (error instanceof dbus.Message) this.#send(error)
    }
  }

  async #call(message: Message, after: After[]): Promise<unknown> {
    const { path, interface: name, member, body } = message
    if (name === `${FDO}.Properties`) return this.#set(path, body)
    if (name === 'org.bluez.AgentManager1') {
      if (member === 'RegisterAgent') this.#agents.set(message.sender, String(body[0]))
      return undefined
    }
    if (name === ADAPTER) return this.#adapter(message, after)
    const peripheral = this.#peripherals.get(path.split('/').slice(0, 5).join('/'))
    if (peripheral === undefined) throw new BluezError('DoesNotExist', 'Does Not Exist')
    if (name === DEVICE) return this.#device(message, { peripheral, after })
    return this.#gatt.call(message, { peripheral, after })
  }

  #set(path: string, [name, property, value]: readonly unknown[]): undefined {
    const given = value instanceof dbus.Variant ? value.value : value
    if (property === 'Powered') this.setPowered(path.split('/')[3] ?? '', given === true)
    else this.#objects.change(path, String(name), { [String(property)]: given })
  }

  #adapter({ path, member, body }: Message, after: After[]): undefined {
    const isOn = this.#objects.value(path, ADAPTER, 'Powered') === true
    const isScanning = this.#objects.value(path, ADAPTER, 'Discovering') === true
    const name = path.split('/')[3] ?? ''
    switch (member) {
      case 'SetDiscoveryFilter':
      case 'StartDiscovery':
        if (!isOn) throw new BluezError('NotReady', 'Resource Not Ready')
        if (member === 'SetDiscoveryFilter') return
        if (isScanning) throw new BluezError('InProgress', 'Operation already in progress')
        after.push(() => {
          this.#objects.change(path, ADAPTER, { Discovering: true })
          for (const peripheral of this.#on(name)) this.#heard(peripheral)
        })
        return
      case 'StopDiscovery':
        if (!isScanning) throw new BluezError('Failed', 'No discovery started')
        after.push(() => {
          this.#objects.change(path, ADAPTER, { Discovering: false })
          for (const peripheral of this.#on(name))
            this.#objects.forget(peripheral.path, DEVICE, 'RSSI')
        })
        return
      case 'RemoveDevice': {
        const peripheral = this.#peripherals.get(String(body[0]))
        if (peripheral === undefined || !this.#objects.has(peripheral.path, DEVICE))
          throw new BluezError('DoesNotExist', 'Does Not Exist')
        this.drop(peripheral)
        peripheral.isPaired = false
        peripheral.subscribers.clear()
        this.#objects.remove(peripheral.path)
      }
    }
  }

  async #device(
    { member, sender }: Message,
    { peripheral, after }: { readonly peripheral: Peripheral; readonly after: After[] },
  ): Promise<undefined> {
    const { path } = peripheral
    switch (member) {
      case 'Connect':
        return this.#connect(peripheral, after)
      case 'Disconnect':
        if (!peripheral.isConnected) return
        peripheral.isConnected = false
        peripheral.subscribers.clear()
        this.#objects.change(path, DEVICE, { ServicesResolved: false })
        // The reply first, then the signal.
        after.push(() => this.#objects.change(path, DEVICE, { Connected: false }))
        return
      case 'Pair':
        return this.#pair(peripheral, sender)
      default:
        throw new BluezError('NotSupported', 'Operation is not supported')
    }
  }

  async #connect(peripheral: Peripheral, after: After[]): Promise<undefined> {
    const { path } = peripheral
    const adapter = path.split('/').slice(0, 4).join('/')
    if (this.#objects.value(adapter, ADAPTER, 'Powered') !== true)
      throw new BluezError('Failed', 'Input/output error')
    if (peripheral.isConnected) return
    const giveUpMs = this.#clock.monotonicMs() + this.#patienceMs
    while (!peripheral.isOn && this.#clock.monotonicMs() < giveUpMs) await this.#clock.sleep(20)
    if (!peripheral.isOn) throw new BluezError('Failed', 'le-connection-abort-by-local')
    peripheral.isConnected = true
    // The signal first, then the reply.
    this.#objects.change(path, DEVICE, { Connected: true })
    if (peripheral.isBondLost && peripheral.isPaired) this.drop(peripheral)
    else if (peripheral.races) after.push(() => this.#gatt.expose(peripheral))
    else this.#clock.after(5, () => this.#gatt.expose(peripheral))
  }

  async #pair(peripheral: Peripheral, sender: string): Promise<undefined> {
    if (peripheral.isPaired) throw new BluezError('AlreadyExists', 'Already Exists')
    const agent = this.#agents.get(sender)
    if (peripheral.passkey !== undefined) {
      if (agent === undefined) throw new BluezError('AuthenticationFailed', 'Authentication Failed')
      const passkey = await askPasskey(this.#bus, { sender, agent, device: peripheral.path })
      if (passkey !== peripheral.passkey)
        throw new BluezError('AuthenticationFailed', 'Authentication Failed')
    }
    peripheral.isPaired = true
    peripheral.isBondLost = false
    this.#objects.change(peripheral.path, DEVICE, { Paired: true })
  }
}

export interface StandInOptions {
  readonly busAddress: string
  readonly clock: Clock
  readonly patienceMs?: number
}
