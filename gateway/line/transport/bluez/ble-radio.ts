import type { Clock } from '../../../core/clock.js'
import { messageOf, TillbridgeError } from '../../../core/errors.js'
import { LIMITS } from '../../../core/limits.js'
import { SerialQueue } from '../../../core/serial-queue.js'
import { type Pairing, PairingAgent } from './agent.js'
import { BluezBus, type BusDevice, BusError, type BusSignal } from './bluez-bus.js'
import { GattLink, isBondLost } from './gatt-link.js'
import { type Heard, Nearby } from './nearby.js'
import {
  ADAPTER,
  type AdapterObject,
  type DeviceObject,
  ObjectTree,
  type TreeChange,
} from './object-tree.js'
import { isAdvertisement, lineFailure, shortName, switchOn, troubleOf } from './radio-words.js'
import type { BleSelector } from './selector.js'

export interface BleRadioOptions {
  readonly clock: Clock
  /** `hci0`; without, the first one that is there. */
  readonly adapter?: string
  /** Links at once: a controller has room for seven or so, and some for fewer. */
  readonly connections: number
}

interface Session {
  readonly bus: BluezBus
  readonly tree: ObjectTree
}

/**
 * The Bluetooth adapter of the shop, which all BLE terminals share: scans and connects by turns,
 * never both, and comes back by itself from whatever happens to BlueZ, D-Bus or the adapter. It is
 * there while anybody needs it: a signal that it was asked with, a link or a listener.
 */
export class BleRadio {
  readonly #options: BleRadioOptions
  readonly #agent = new PairingAgent()
  readonly #askers = new Set<AbortSignal>()
  readonly #links = new Map<string, GattLink>()
  readonly #nearby: Nearby
  readonly #watchers = new Set<() => void>()
  readonly #drops = new Map<string, number>()
  /** One scan or one connect at a time. */
  readonly #air = new SerialQueue()
  #life = new AbortController()
  #running: Promise<void> = Promise.resolve()
  #isRunning = false
  #session: Session | undefined
  #trouble: string | undefined
  #endScan: () => void = () => undefined
  #lookNow: () => void = () => undefined

  constructor(options: BleRadioOptions) {
    this.#options = options
    this.#nearby = new Nearby(options.clock)
  }

  /** Why it does not work just now; undefined where it does. */
  get trouble(): string | undefined {
    return this.#trouble
  }

  /** Resolves when nobody needs it and all is given back. */
  async idle(): Promise<void> {
    await this.#running
  }

  /** Keeps it awake until this signal aborts. */
  wake(signal: AbortSignal): void {
    if (signal.aborted || this.#askers.has(signal)) return
    this.#askers.add(signal)
    const over = (): void => {
      this.#askers.delete(signal)
      this.#rest()
    }
    signal.addEventListener('abort', over, { once: true })
    this.#start()
  }

  /** Every advertisement of what is selected; the returned function ends it. */
  listen(selector: BleSelector, onHeard: (heard: Heard) => void): () => void {
    const end = this.#nearby.listen(selector, onHeard)
    this.#start()
    this.#wakeWatchers()
    return () => {
      end()
      this.#rest()
    }
  }

  /**
   * Finds a terminal that nobody else is connected with, connects, pairs where the policy says so,
   * and waits for its services.
   * @throws TillbridgeError TB_LINE_RADIO, TB_LINE_UNAVAILABLE, TB_LINE_PAIRING
   */
  async connect(request: {
    readonly selector: BleSelector
    readonly pairing: Pairing
    readonly signal: AbortSignal
    /** How strong it was when it was found. */
    readonly heard: (rssiDbm: number | undefined) => void
  }): Promise<GattLink> {
    this.wake(request.signal)
    const nearby = this.#nearby
    const device = await nearby.find(request.selector, {
      signal: request.signal,
      known: () => this.#session?.tree.devices ?? [],
      trouble: () => this.#trouble,
      seeking: () => this.#wakeWatchers(),
    })
    if (nearby.taken >= this.#options.connections) {
      const reason = `the adapter has its ${nearby.taken} links; see \`bluetooth.connections\``
      throw new TillbridgeError('TB_LINE_UNAVAILABLE', reason)
    }
    request.heard(nearby.rssiOf(device.path))
    nearby.take(device.path)
    this.#endScan()
    try {
      return await this.#air.run(() => this.#connect(device, request))
    } catch (thrown) {
      nearby.release(device.path)
      throw lineFailure(thrown)
    }
  }

  /**
   * A link was of no use. A bond that the terminal seems to have lost is forgotten here, too, so
   * that the next link makes a new one.
   */
  async noteFailure(
    path: string,
    { pairing, thrown }: { readonly pairing: Pairing; readonly thrown: unknown },
  ): Promise<void> {
    const device = this.#session?.tree.device(path)
    if (pairing === 'none' || device?.Paired !== true) return
    const drops = (this.#drops.get(path) ?? 0) + 1
    this.#drops.set(path, drops)
    if (!isBondLost(thrown) && drops < LIMITS.bleBondDrops) return
    this.#drops.delete(path)
    const call = { member: 'RemoveDevice', signature: 'o', body: [path] }
    await this.#session?.bus
      .call({ path: device.Adapter, interface: ADAPTER, ...call })
      .catch(() => undefined)
  }

  /** The link is of use: what dropped before has nothing to do with the bond. */
  noteReady(path: string): void {
    this.#drops.delete(path)
  }

  #start(): void {
    if (this.#isRunning) return
    this.#isRunning = true
    this.#life = new AbortController()
    const life = this.#life
    this.#running = this.#running.then(() => this.#run(life.signal))
  }

  #rest(): void {
    const isNeeded = this.#askers.size + this.#links.size + this.#nearby.listeners > 0
    if (isNeeded || !this.#isRunning) return
    this.#isRunning = false
    this.#life.abort()
    this.#wakeWatchers()
  }

  async #run(life: AbortSignal): Promise<void> {
    const { clock } = this.#options
    while (!life.aborted) {
      this.#trouble = await this.#serve(life).catch(thrown => {
        if (!(thrown instanceof BusError)) throw thrown
        return troubleOf(thrown)
      })
      this.#wakeWatchers()
      if (!life.aborted) await clock.sleep(LIMITS.bleReopenMs, life)
    }
  }

  /** One session with BlueZ, until it is of no use; then why. @throws BusError */
  async #serve(life: AbortSignal): Promise<string> {
    const tree = new ObjectTree(change => this.#changed(change))
    const bus = await BluezBus.open({
      clock: this.#options.clock,
      onSignal: signal => this.#signalled(tree, signal),
    })
    const over = new AbortController()
    const end = (): void => over.abort()
    life.addEventListener('abort', end, { once: true })
    const work = [this.#look({ bus, tree }, over.signal), this.#scan({ bus, tree }, over.signal)]
    try {
      return await Promise.race([bus.ended, ...work])
    } finally {
      life.removeEventListener('abort', end)
      over.abort()
      this.#endScan()
      this.#lookNow()
      this.#wakeWatchers()
      this.#session = undefined
      bus.close()
      for (const link of [...this.#links.values()]) link.lose('the session with BlueZ was lost')
      tree.clear()
      await Promise.allSettled(work)
    }
  }

  /** Looks at everything every few seconds, and at once when BlueZ has come or gone. */
  async #look(session: Session, over: AbortSignal): Promise<string> {
    let isKnown = false
    while (!over.aborted) {
      try {
        await session.bus.lookAtAll(objects => session.tree.replace(objects))
        this.#session = session
        // BlueZ forgets its agents when it ends.
        if (!isKnown) await this.#agent.register(session.bus)
        isKnown = true
        this.#trouble = this.#adapter(session) === undefined ? 'no adapter is there' : undefined
      } catch (thrown) {
        if (!(thrown instanceof BusError)) throw thrown
        if (over.aborted || thrown.name === 'timeout' || thrown.name === 'ended')
          return troubleOf(thrown)
        isKnown = false
        session.tree.clear()
        this.#trouble = troubleOf(thrown)
      }
      this.#wakeWatchers()
      await this.#pause(LIMITS.bleLookMs, over, wake => {
        this.#lookNow = wake
      })
    }
    return 'ended'
  }

  async #scan(session: Session, over: AbortSignal): Promise<string> {
    const { clock } = this.#options
    while (!over.aborted) {
      const adapter = this.#adapter(session)
      if (adapter === undefined || !this.#nearby.isWanted) {
        await this.#pause(LIMITS.bleLookMs, over, wake => this.#watchers.add(wake))
        continue
      }
      await this.#air.run(() => this.#scanOnce(session, adapter, over))
      const pauseMs = this.#links.size > 0 ? LIMITS.blePauseForLinksMs : LIMITS.blePauseMs
      await clock.sleep(pauseMs, over)
    }
    return 'ended'
  }

  async #scanOnce({ bus }: Session, adapter: AdapterObject, over: AbortSignal): Promise<void> {
    if (over.aborted) return
    const windowMs = this.#links.size > 0 ? LIMITS.bleScanBesideLinksMs : LIMITS.bleScanMs
    try {
      if (!adapter.Powered) await switchOn(bus, adapter.path)
      await bus.discover(adapter.path, true)
      await this.#pause(windowMs, over, wake => {
        this.#endScan = wake
      })
      await bus.discover(adapter.path, false)
    } catch (thrown) {
      if (!(thrown instanceof BusError)) throw thrown
      this.#trouble = `${shortName(adapter.path)}: ${thrown.message}`
      await this.#options.clock.sleep(LIMITS.bleReopenMs, over)
    }
  }

  async #connect(
    device: DeviceObject,
    { pairing, signal }: { readonly pairing: Pairing; readonly signal: AbortSignal },
  ): Promise<GattLink> {
    const session = this.#session
    if (session === undefined || signal.aborted) throw new BusError('ended', 'stopped')
    const { bus, tree } = session
    const { path } = device
    const own = await bus.device(shortName(device.Adapter), device.Address)
    const { clock } = this.#options
    const link = new GattLink({
      ...{ path, tree, bus, clock, device: own },
      ended: () => {
        this.#links.delete(path)
        this.#nearby.release(path)
        this.#rest()
      },
    })
    // From here on, for what it says before its services are known.
    this.#links.set(path, link)
    let isReached = false
    try {
      await own.connect(LIMITS.bleConnectMs)
      isReached = true
      await this.#pair({ device, pairing, own, tree })
      await this.#resolved({ path, tree }, signal)
      return link
    } catch (thrown) {
      // Also where BlueZ said that it is over: it may be about to connect once more.
      link.lose(messageOf(thrown))
      await link.hangUp()
      if (isReached) await this.noteFailure(path, { pairing, thrown })
      throw thrown
    }
  }

  async #pair(one: {
    readonly device: DeviceObject
    readonly pairing: Pairing
    readonly own: BusDevice
    readonly tree: ObjectTree
  }): Promise<void> {
    const { device, pairing, own, tree } = one
    if (pairing === 'none' || tree.device(device.path)?.Paired === true) return
    try {
      await this.#agent.during({ path: device.path, pairing }, () => own.pair(LIMITS.blePairMs))
    } catch (thrown) {
      // A read of ours may have paired it meanwhile.
      if (tree.device(device.path)?.Paired === true) return
      const reason = `pairing: ${messageOf(thrown)}`
      throw new TillbridgeError('TB_LINE_PAIRING', reason, { cause: thrown })
    }
  }

  /** Asked of the tree, and not of node-ble, which can wait for a signal that has passed. */
  async #resolved(
    { path, tree }: { readonly path: string; readonly tree: ObjectTree },
    signal: AbortSignal,
  ): Promise<void> {
    const { clock } = this.#options
    const untilMs = clock.monotonicMs() + LIMITS.bleResolveMs
    for (;;) {
      const device = tree.device(path)
      if (device?.ServicesResolved === true) return
      if (device?.Connected !== true || signal.aborted)
        throw new BusError('lost', 'the link was lost before the services were known')
      const leftMs = untilMs - clock.monotonicMs()
      if (leftMs <= 0) throw new BusError('timeout', 'the services were not found in time')
      await this.#pause(leftMs, signal, wake => this.#watchers.add(wake))
    }
  }

  #signalled(tree: ObjectTree, signal: BusSignal): void {
    if (signal.member === 'NameOwnerChanged') {
      // What a bluetoothd that is gone knew is worth nothing.
      tree.clear()
      this.#lookNow()
    } else tree.apply(signal)
  }

  #changed(change: TreeChange): void {
    const { path, type, properties } = change
    const devicePath = path.split('/').slice(0, 5).join('/')
    this.#links.get(devicePath)?.changed(change)
    if (type === 'gone') {
      this.#nearby.forget(path)
      if (this.#adapterGone(path)) this.#lookNow()
    } else if (properties['Powered'] === false) {
      for (const [one, link] of [...this.#links])
        if (one.startsWith(`${path}/`)) link.lose('the adapter was switched off')
    }
    if (type === 'told' && isAdvertisement(properties)) this.#hear(path, properties)
    this.#wakeWatchers()
  }

  #adapterGone(path: string): boolean {
    if (path.split('/').length !== 4) return false
    for (const [one, link] of [...this.#links])
      if (one.startsWith(`${path}/`)) link.lose('the adapter was removed')
    return true
  }

  #hear(path: string, properties: TreeChange['properties']): void {
    const device = this.#session?.tree.device(path)
    if (device !== undefined && !this.#links.has(path)) this.#nearby.hear(device, properties)
  }

  #adapter({ tree }: Session): AdapterObject | undefined {
    const { adapter: wanted } = this.#options
    const all = tree.adapters.filter(
      ({ path }) => wanted === undefined || shortName(path) === wanted,
    )
    const sorted = all.toSorted((left, right) => (left.path < right.path ? -1 : 1))
    return sorted.find(({ Powered }) => Powered) ?? sorted[0]
  }

  /** So long, or until the signal aborts or the function that `lend` is given is called. */
  async #pause(ms: number, signal: AbortSignal, lend: (wake: () => void) => void): Promise<void> {
    const woken = new AbortController()
    const wake = (): void => woken.abort()
    signal.addEventListener('abort', wake, { once: true })
    if (signal.aborted) wake()
    lend(wake)
    await this.#options.clock.sleep(ms, woken.signal)
    this.#watchers.delete(wake)
    signal.removeEventListener('abort', wake)
  }

  #wakeWatchers(): void {
    for (const wake of [...this.#watchers]) wake()
  }
}
