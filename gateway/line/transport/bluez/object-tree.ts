import { z } from 'zod'
import type { BusSignal } from './bluez-bus.js'

export const ADAPTER = 'org.bluez.Adapter1'
const DEVICE = 'org.bluez.Device1'
const SERVICE = 'org.bluez.GattService1'
export const CHARACTERISTIC = 'org.bluez.GattCharacteristic1'

const bytes = z.custom<Uint8Array>(value => value instanceof Uint8Array)

const adapter = z.object({ Address: z.string(), Powered: z.boolean() })

const device = z.object({
  Address: z.string(),
  Adapter: z.string(),
  Name: z.string().optional(),
  RSSI: z.number().optional(),
  Paired: z.boolean().default(false),
  Connected: z.boolean().default(false),
  ServicesResolved: z.boolean().default(false),
  UUIDs: z.array(z.string()).default([]),
  /** By the company's number. */
  ManufacturerData: z.record(z.string(), bytes).default({}),
  /** By the service's UUID. */
  ServiceData: z.record(z.string(), bytes).default({}),
})

const service = z.object({ UUID: z.string() })

const characteristic = z.object({
  UUID: z.string(),
  Service: z.string(),
  Flags: z.array(z.string()),
  MTU: z.number().optional(),
})

type Found<Schema extends z.ZodType> = z.output<Schema> & { readonly path: string }
export type AdapterObject = Found<typeof adapter>
export type DeviceObject = Found<typeof device>
/** A characteristic, and the UUID of the service that it belongs to. */
export type CharacteristicObject = Found<typeof characteristic> & { readonly serviceUuid: string }

const properties = z.record(z.string(), z.unknown())
const interfaces = z.record(z.string(), properties)
const managed = z.record(z.string(), interfaces)
const propertiesChanged = z.tuple([z.string(), properties, z.array(z.string())])
const interfacesAdded = z.tuple([z.string(), interfaces])
const interfacesRemoved = z.tuple([z.string(), z.array(z.string())])

/**
 * What became other on an object. `told`: by a signal, just now; `found`: by looking, some time
 * ago; `gone`: the object, or the interface that mattered, is no more.
 */
export interface TreeChange {
  readonly path: string
  readonly type: 'told' | 'found' | 'gone'
  readonly properties: Readonly<Record<string, unknown>>
}

type Interfaces = Map<string, Record<string, unknown>>

/**
 * The objects of BlueZ as its signals tell them, so that nobody has to ask. What signals were
 * missed is made up for by `replace`, which reports the difference as they would have.
 */
export class ObjectTree {
  readonly #objects = new Map<string, Interfaces>()
  readonly #onChange: (change: TreeChange) => void

  constructor(onChange: (change: TreeChange) => void) {
    this.#onChange = onChange
  }

  get adapters(): readonly AdapterObject[] {
    return [...this.#objects.keys()].flatMap(path => this.#read(path, ADAPTER, adapter) ?? [])
  }

  get devices(): readonly DeviceObject[] {
    return [...this.#objects.keys()].flatMap(path => this.device(path) ?? [])
  }

  device(path: string): DeviceObject | undefined {
    return this.#read(path, DEVICE, device)
  }

  characteristics(devicePath: string): readonly CharacteristicObject[] {
    return [...this.#objects.keys()]
      .filter(path => path.startsWith(`${devicePath}/`))
      .flatMap(path => {
        const found = this.#read(path, CHARACTERISTIC, characteristic)
        if (found === undefined) return []
        const owner = this.#read(found.Service, SERVICE, service)
        return owner === undefined ? [] : [{ ...found, serviceUuid: owner.UUID }]
      })
  }

  apply(signal: BusSignal): void {
    switch (signal.member) {
      case 'PropertiesChanged': {
        const changed = propertiesChanged.safeParse(signal.body)
        if (changed.success) this.#change(signal.path, { told: changed.data, type: 'told' })
        return
      }
      case 'InterfacesAdded': {
        const added = interfacesAdded.safeParse(signal.body)
        if (!added.success) return
        const [path, all] = added.data
        for (const [name, values] of Object.entries(all))
          this.#change(path, { told: [name, withoutValue(name, values), []], type: 'told' })
        return
      }
      case 'InterfacesRemoved': {
        const removed = interfacesRemoved.safeParse(signal.body)
        if (removed.success) this.#remove(...removed.data)
        return
      }
    }
  }

  /** All that there is now, as `GetManagedObjects` says. */
  replace(objects: unknown): void {
    const parsed = managed.safeParse(objects)
    if (!parsed.success) return
    const all = parsed.data
    for (const [path, known] of [...this.#objects])
      this.#remove(
        path,
        [...known.keys()].filter(name => all[path]?.[name] === undefined),
      )
    for (const [path, each] of Object.entries(all))
      for (const [name, all] of Object.entries(each)) {
        const values = withoutValue(name, all)
        const known = this.#objects.get(path)?.get(name) ?? {}
        const gone = Object.keys(known).filter(key => !(key in values))
        const isOther = Object.entries(values).filter(([key, value]) => !isSame(known[key], value))
        if (isOther.length === 0 && gone.length === 0 && this.#objects.get(path)?.has(name))
          continue
        const told = [name, Object.fromEntries(isOther), gone] as const
        this.#change(path, { told, type: 'found' })
      }
  }

  clear(): void {
    for (const [path, known] of [...this.#objects]) this.#remove(path, [...known.keys()])
  }

  #change(
    path: string,
    change: {
      readonly told: readonly [string, Record<string, unknown>, readonly string[]]
      readonly type: 'told' | 'found'
    },
  ): void {
    const [name, values, gone] = change.told
    const object: Interfaces = this.#objects.get(path) ?? new Map()
    this.#objects.set(path, object)
    const known = { ...object.get(name), ...withoutValue(name, values) }
    for (const key of gone) delete known[key]
    object.set(name, known)
    this.#onChange({ path, type: change.type, properties: values })
  }

  #remove(path: string, names: readonly string[]): void {
    const object = this.#objects.get(path)
    if (object === undefined || names.length === 0) return
    for (const name of names) object.delete(name)
    if (object.size === 0) this.#objects.delete(path)
    if ([ADAPTER, DEVICE, CHARACTERISTIC].some(name => names.includes(name)))
      this.#onChange({ path, type: 'gone', properties: {} })
  }

  #read<Schema extends z.ZodType<object>>(
    path: string,
    name: string,
    schema: Schema,
  ): (z.output<Schema> & { readonly path: string }) | undefined {
    const values = this.#objects.get(path)?.get(name)
    if (values === undefined) return undefined
    const parsed = schema.safeParse(values)
    return parsed.success ? { ...parsed.data, path } : undefined
  }
}

/** The last value of a characteristic is no state: only a signal of its own says that one came. */
function withoutValue(name: string, values: Record<string, unknown>): Record<string, unknown> {
  if (name !== CHARACTERISTIC) return values
  const { Value: _, ...others } = values
  return others
}

/** Of the kinds of values that BlueZ has. */
function isSame(left: unknown, right: unknown): boolean {
  return left === right || JSON.stringify(left) === JSON.stringify(right)
}
