import { EventEmitter } from 'node:events'
import dbus, { type Message, type MessageBus } from 'dbus-next'
import NodeBle from 'node-ble'
import type { Clock } from '../../../core/clock.js'
import { messageOf } from '../../../core/errors.js'
import { within } from '../../../core/within.js'

const DAEMON = 'org.freedesktop.DBus'
const DAEMON_PATH = '/org/freedesktop/DBus'
const BLUEZ = 'org.bluez'
const CALL_MS = 5_000

/**
 * All that is ever listened to. Four rules for everything, never one an object: those of D-Bus are
 * limited to 512 a connection, and node-ble's own would be added with each link.
 */
const RULES = [
  `type='signal',sender='${BLUEZ}',member='PropertiesChanged',path_namespace='/org/bluez'`,
  `type='signal',sender='${BLUEZ}',member='InterfacesAdded'`,
  `type='signal',sender='${BLUEZ}',member='InterfacesRemoved'`,
  `type='signal',sender='${DAEMON}',member='NameOwnerChanged',arg0='${BLUEZ}'`,
] as const

/** A call of a method; without `to` it goes to BlueZ. */
export interface BusCall {
  readonly path: string
  readonly interface: string
  readonly member: string
  readonly to?: string
  readonly signature?: string
  readonly body?: readonly unknown[]
  readonly withinMs?: number
}

/** A signal of BlueZ, or of the bus about BlueZ; its values are plain. */
export interface BusSignal {
  readonly path: string
  readonly member: string
  readonly body: readonly unknown[]
}

/** What BlueZ or the bus answered instead; `name` is D-Bus' own, or `timeout`, or `ended`. */
export class BusError extends Error {
  override readonly name: string

  constructor(name: string, text: string) {
    super(text.trim())
    this.name = name
  }
}

/** A method of ours that BlueZ calls; it throws a BusError to refuse. */
export type ExportedMethod = (member: string, body: readonly unknown[]) => Promise<ExportedReply>
export interface ExportedReply {
  readonly signature: string
  readonly body: readonly unknown[]
}

/**
 * One session with BlueZ on the system bus, by node-ble. Nothing in it waits for ever, and nothing
 * in it is kept of a link that has ended. It does not come back: open another one.
 */
export class BluezBus {
  readonly #bluetooth: NodeBle.Bluetooth
  readonly #bus: MessageBus
  readonly #destroy: () => void
  readonly #clock: Clock
  /** Resolves with the reason when this session is of no use any more. */
  readonly ended: Promise<string>
  #endedFor: string | undefined
  #tellEnd: (reason: string) => void = () => undefined
  /** Calls that wait for an answer: a bus that has ended never gives one. */
  readonly #waiting = new Set<(error: BusError) => void>()

  private constructor(clock: Clock) {
    const { bluetooth, destroy } = NodeBle.createBluetooth()
    this.#bluetooth = bluetooth
    this.#destroy = destroy
    this.#clock = clock
    this.#bus = busOf(bluetooth)
    this.ended = new Promise(resolve => {
      this.#tellEnd = resolve
    })
    // Unheard, an error of the bus would end the process; a bus that is gone answers nothing more.
    this.#bus.on('error', thrown => this.#end(`D-Bus: ${messageOf(thrown)}`))
    const connection: unknown = Reflect.get(this.#bus, '_connection')
    if (connection instanceof EventEmitter)
      connection.on('end', () => this.#end('D-Bus ended the session'))
  }

  /** @throws BusError where the bus or its policy does not let us in. */
  static async open(options: {
    readonly clock: Clock
    readonly onSignal: (signal: BusSignal) => void
  }): Promise<BluezBus> {
    const bus = new BluezBus(options.clock)
    bus.#bus.on('message', message => {
      if (isSignal(message)) options.onSignal(signalOf(message))
    })
    try {
      for (const rule of RULES) await bus.#ask('AddMatch', rule)
      await bus.#begin()
      return bus
    } catch (thrown) {
      bus.close()
      throw thrown
    }
  }

  close(): void {
    this.#end('closed')
    this.#destroy()
  }

  /** @throws BusError */
  async call(call: BusCall): Promise<readonly unknown[]> {
    const message = new dbus.Message({
      destination: call.to ?? BLUEZ,
      path: call.path,
      interface: call.interface,
      member: call.member,
      signature: call.signature ?? '',
      body: [...(call.body ?? [])],
    })
    const reply = await this.#settled(() => this.#bus.call(message), call.withinMs ?? CALL_MS)
    return reply?.body.map(plain) ?? []
  }

  /** Values where the type is not known from the signature. */
  text(value: string): unknown {
    return new dbus.Variant('s', value)
  }

  flag(value: boolean): unknown {
    return new dbus.Variant('b', value)
  }

  /**
   * Every object of BlueZ, given to `take` where it stands among the signals: a moment later it
   * would undo what they said meanwhile.
   * @throws BusError
   */
  async lookAtAll(take: (objects: unknown) => void): Promise<void> {
    const message = new dbus.Message({
      destination: BLUEZ,
      path: '/',
      interface: `${DAEMON}.ObjectManager`,
      member: 'GetManagedObjects',
    })
    const onReply = ({ type, replySerial, body }: Message): void => {
      if (Number(type) === METHOD_RETURN && Number(replySerial) === message.serial)
        take(plain(body[0]))
    }
    try {
      await this.#settled(() => {
        // Sent first: that gives it the serial number of its reply.
        const replying = this.#bus.call(message)
        this.#bus.on('message', onReply)
        return replying
      }, CALL_MS)
    } finally {
      this.#bus.off('message', onReply)
    }
  }

  /**
   * Our own scan, whoever else is scanning: node-ble's would refuse to begin one then.
   * @throws BusError
   */
  async discover(path: string, on: boolean): Promise<void> {
    const adapter = { path, interface: 'org.bluez.Adapter1' }
    const filter = { Transport: this.text('le'), DuplicateData: this.flag(true) }
    try {
      if (on)
        await this.call({
          ...adapter,
          member: 'SetDiscoveryFilter',
          signature: 'a{sv}',
          body: [filter],
        })
      await this.call({ ...adapter, member: on ? 'StartDiscovery' : 'StopDiscovery' })
    } catch (thrown) {
      if (thrown instanceof BusError && thrown.name === 'org.bluez.Error.InProgress') return
      throw thrown
    }
  }

  /** A device that BlueZ knows, for one link; `release` it when that is over. @throws BusError */
  async device(adapter: string, address: string): Promise<BusDevice> {
    const one = await this.#adapter(adapter)
    const device = await this.#settled(() => one.getDevice(address), CALL_MS)
    return {
      connect: ms => this.#settled(() => device.connect(), ms),
      disconnect: ms => this.#settled(() => device.disconnect(), ms),
      pair: ms => this.#settled(() => device.pair(), ms),
      release: () => release(device),
    }
  }

  /** Answers what is called of an object of ours. */
  export(path: string, method: ExportedMethod): void {
    this.#bus.addMethodHandler((message: Message) => {
      if (message.path !== path) return false
      void answerOf(message, method)
        .then(answer => {
          if (this.#endedFor === undefined) this.#bus.send(answer)
        })
        .catch(defect => this.#end(messageOf(defect)))
      return true
    })
  }

  async #adapter(name: string): Promise<NodeBle.Adapter> {
    return this.#settled(() => this.#bluetooth.getAdapter(name), CALL_MS)
  }

  /**
   * With the first object that it is asked for dbus-next asks for a rule, too, and hears of an
   * object that is not there only after that one's answer: too late, the process has ended. So the
   * first is the bus itself, which is there.
   */
  async #begin(): Promise<void> {
    await this.#settled(() => this.#bus.getProxyObject(DAEMON, DAEMON_PATH), CALL_MS)
  }

  async #ask(member: string, rule: string): Promise<void> {
    await this.call({
      to: DAEMON,
      path: DAEMON_PATH,
      interface: DAEMON,
      member,
      signature: 's',
      body: [rule],
    })
  }

  #end(reason: string): void {
    if (this.#endedFor !== undefined) return
    this.#endedFor = reason
    for (const refuse of this.#waiting) refuse(new BusError('ended', reason))
    this.#waiting.clear()
    this.#tellEnd(reason)
  }

  /** A bus that has ended is asked nothing: nobody would hear how that fails. */
  async #settled<Value>(begin: () => Promise<Value>, ms: number): Promise<Value> {
    if (this.#endedFor !== undefined) throw new BusError('ended', this.#endedFor)
    let refuse: (error: BusError) => void = () => undefined
    const ended = new Promise<never>((_, reject) => {
      refuse = reject
    })
    this.#waiting.add(refuse)
    try {
      const outcome = await within(this.#clock, { ms, work: Promise.race([begin(), ended]) })
      if (outcome === 'timeout') throw new BusError('timeout', `no answer within ${ms} ms`)
      return outcome
    } catch (thrown) {
      throw thrown instanceof BusError ? thrown : new BusError(nameOf(thrown), messageOf(thrown))
    } finally {
      this.#waiting.delete(refuse)
    }
  }
}

/** A device as node-ble has it. @throws BusError */
export interface BusDevice {
  connect(withinMs: number): Promise<void>
  disconnect(withinMs: number): Promise<void>
  pair(withinMs: number): Promise<void>
  /** Takes back the match rule and the listeners that node-ble leaves behind. */
  release(): void
}

/** node-ble has it and does not say so. */
function busOf(bluetooth: NodeBle.Bluetooth): MessageBus {
  const bus: unknown = Reflect.get(bluetooth, 'dbus')
  if (!(bus instanceof dbus.MessageBus)) throw new TypeError('node-ble has no bus of dbus-next')
  return bus
}

function release(device: NodeBle.Device): void {
  const helper: unknown = Reflect.get(device, 'helper')
  if (typeof helper !== 'object' || helper === null) return
  const remove: unknown = Reflect.get(helper, 'removeListeners')
  if (typeof remove === 'function') Reflect.apply(remove, helper, [])
  device.removeAllListeners()
}

function nameOf(thrown: unknown): string {
  return thrown instanceof dbus.DBusError ? thrown.type : 'org.bluez.Error.Failed'
}

const METHOD_RETURN = 2
const SIGNAL = 4

function isSignal({ type, path }: Message): boolean {
  return Number(type) === SIGNAL && typeof path === 'string'
}

function signalOf({ path, member, body }: Message): BusSignal {
  return { path, member, body: body.map(plain) }
}

/** Variants are what they hold. */
function plain(value: unknown): unknown {
  if (value instanceof dbus.Variant) return plain(value.value)
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]))
}

async function answerOf(message: Message, method: ExportedMethod): Promise<Message> {
  try {
    const { signature, body } = await method(message.member, message.body.map(plain))
    return dbus.Message.newMethodReturn(message, signature, [...body])
  } catch (thrown) {
    if (!(thrown instanceof BusError)) throw thrown
    const refusal: unknown = Reflect.apply(dbus.Message.newError, dbus.Message, [
      message,
      thrown.name,
      thrown.message,
    ])
    if (refusal instanceof dbus.Message) return refusal
    throw thrown
  }
}
