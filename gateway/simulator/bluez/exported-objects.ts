import dbus, { type Message, type MessageBus } from 'dbus-next'

export const FDO = 'org.freedesktop.DBus'

/** Signature and value of each property. */
export type Properties = Record<string, readonly [signature: string, value: unknown]>

/** Interface, method: what goes in and what comes out. */
export const METHODS: Readonly<
  Record<string, Readonly<Record<string, readonly [string, string]>>>
> = {
  'org.bluez.AgentManager1': {
    RegisterAgent: ['os', ''],
    UnregisterAgent: ['o', ''],
    RequestDefaultAgent: ['o', ''],
  },
  'org.bluez.Adapter1': {
    StartDiscovery: ['', ''],
    SetDiscoveryFilter: ['a{sv}', ''],
    StopDiscovery: ['', ''],
    RemoveDevice: ['o', ''],
  },
  'org.bluez.Device1': {
    Disconnect: ['', ''],
    Connect: ['', ''],
    Pair: ['', ''],
    CancelPairing: ['', ''],
  },
  'org.bluez.GattService1': {},
  'org.bluez.GattCharacteristic1': {
    ReadValue: ['a{sv}', 'ay'],
    WriteValue: ['aya{sv}', ''],
    StartNotify: ['', ''],
    StopNotify: ['', ''],
  },
  [`${FDO}.Properties`]: { Get: ['ss', 'v'], Set: ['ssv', ''], GetAll: ['s', 'a{sv}'] },
  [`${FDO}.Introspectable`]: { Introspect: ['', 's'] },
  [`${FDO}.ObjectManager`]: { GetManagedObjects: ['', 'a{oa{sa{sv}}}'] },
}

/** An error as BlueZ names it: a bare name is one of org.bluez.Error. */
export class BluezError extends Error {
  override readonly name: string

  constructor(name: string, text: string) {
    super(text)
    this.name = name.includes('.') ? name : `org.bluez.Error.${name}`
  }
}

/** The objects of a bluetoothd, and every signal that their changes make. */
export class ExportedObjects {
  readonly #objects = new Map<string, Map<string, Properties>>()
  readonly #send: (message: Message) => void

  constructor(send: MessageBus['send']) {
    this.#send = send
  }

  get paths(): readonly string[] {
    return [...this.#objects.keys()]
  }

  has(path: string, name: string): boolean {
    return this.#objects.get(path)?.has(name) ?? false
  }

  value(path: string, name: string, property: string): unknown {
    return this.#objects.get(path)?.get(name)?.[property]?.[1]
  }

  add(path: string, name: string, properties: Properties): void {
    const object = this.#objects.get(path) ?? new Map<string, Properties>()
    this.#objects.set(path, object)
    object.set(name, properties)
    if (path === '/') return
    const told = { [name]: variants(properties) }
    this.#signal({ path: '/', name: `${FDO}.ObjectManager`, member: 'InterfacesAdded' }, [
      'oa{sa{sv}}',
      [path, told],
    ])
  }

  /** With everything below it. */
  remove(path: string): void {
    for (const [one, object] of [...this.#objects].reverse()) {
      if (one !== path && !one.startsWith(`${path}/`)) continue
      this.#objects.delete(one)
      this.#signal({ path: '/', name: `${FDO}.ObjectManager`, member: 'InterfacesRemoved' }, [
        'oas',
        [one, [...object.keys()]],
      ])
    }
  }

  clear(): void {
    this.#objects.clear()
  }

  /** Says only what became other. */
  change(path: string, name: string, values: Readonly<Record<string, unknown>>): void {
    const properties = this.#objects.get(path)?.get(name)
    if (properties === undefined) return
    const changed: Properties = {}
    for (const [key, value] of Object.entries(values)) {
      const known = properties[key]
      if (known === undefined || known[1] === value) continue
      properties[key] = [known[0], value]
      changed[key] = [known[0], value]
    }
    if (Object.keys(changed).length > 0) this.say(path, name, changed)
  }

  /** Keeps these properties and says them, whether they are new or not. */
  tell(path: string, name: string, properties: Properties): void {
    const object = this.#objects.get(path)?.get(name)
    if (object !== undefined) Object.assign(object, properties)
    this.say(path, name, properties)
  }

  forget(path: string, name: string, property: string): void {
    const properties = this.#objects.get(path)?.get(name)
    if (properties?.[property] === undefined) return
    delete properties[property]
    this.say(path, name, {}, [property])
  }

  say(path: string, name: string, changed: Properties, gone: readonly string[] = []): void {
    this.#signal({ path, name: `${FDO}.Properties`, member: 'PropertiesChanged' }, [
      'sa{sv}as',
      [name, variants(changed), [...gone]],
    ])
  }

  /** What every object answers by itself; undefined for BlueZ' own methods. */
  answer(message: Message): { readonly value: unknown } | undefined {
    const { path, interface: name, member, body } = message
    if (name === `${FDO}.Introspectable`) return { value: this.#introspect(path) }
    const object = this.#objects.get(path)
    const target = name === `${FDO}.Properties` ? String(body[0]) : name
    if (object?.has(target) !== true || METHODS[name]?.[member] === undefined) {
      const text = `Method "${member}" with signature "${message.signature ?? ''}" doesn't exist`
      throw new BluezError(`${FDO}.Error.UnknownObject`, text)
    }
    if (name === `${FDO}.ObjectManager`) return { value: this.#managed() }
    const properties = object.get(target) ?? {}
    if (name !== `${FDO}.Properties` || member === 'Set') return undefined
    if (member === 'GetAll') return { value: variants(properties) }
    const found = properties[String(body[1])]
    if (found === undefined)
      throw new BluezError(`${FDO}.Error.InvalidArgs`, `No such property '${body[1]}'`)
    return { value: new dbus.Variant(...found) }
  }

  #managed(): unknown {
    const objects = [...this.#objects].filter(([path]) => path !== '/')
    return Object.fromEntries(
      objects.map(([path, object]) => [
        path,
        Object.fromEntries([...object].map(([name, each]) => [name, variants(each)])),
      ]),
    )
  }

  #signal(
    {
      path,
      name,
      member,
    }: { readonly path: string; readonly name: string; readonly member: string },
    [signature, body]: readonly [string, unknown[]],
  ): void {
    this.#send(dbus.Message.newSignal(path, name, member, signature, body))
  }

  #introspect(path: string): string {
    const object = this.#objects.get(path)
    const base = path === '/' ? '' : path
    const below = this.paths.filter(one => one.startsWith(`${base}/`) && one !== '/')
    const children = new Set(below.map(one => one.slice(base.length + 1).split('/')[0] ?? ''))
    const all = [...(object ?? [])]
    const hasProperties = all.some(([, properties]) => Object.keys(properties).length > 0)
    return [
      '<node>',
      interfaceXml(`${FDO}.Introspectable`, {}),
      ...all.map(([name, properties]) => interfaceXml(name, properties)),
      hasProperties ? interfaceXml(`${FDO}.Properties`, {}) : '',
      ...[...children].map(child => `<node name="${child}"/>`),
      '</node>',
    ].join('')
  }
}

function variants(properties: Properties): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(properties).map(([key, [signature, value]]) => [
      key,
      new dbus.Variant(signature, value),
    ]),
  )
}

function interfaceXml(name: string, properties: Properties): string {
  const methods = Object.entries(METHODS[name] ?? {}).map(
    ([method, [into, out]]) =>
      `<method name="${method}">${argumentsXml(into, 'in')}${argumentsXml(out, 'out')}</method>`,
  )
  const values = Object.entries(properties).map(
    ([key, [type]]) => `<property name="${key}" type="${type}" access="read"/>`,
  )
  const signal =
    name === `${FDO}.Properties`
      ? `<signal name="PropertiesChanged">${argumentsXml('sa{sv}as')}</signal>`
      : ''
  return `<interface name="${name}">${methods.join('')}${values.join('')}${signal}</interface>`
}

/** One argument for each complete type. */
function argumentsXml(signature: string, direction?: 'in' | 'out'): string {
  const types = signature.match(/a\{oa\{sa\{sv\}\}\}|a\{sv\}|a?[a-z]/g) ?? []
  const way = direction === undefined ? '' : ` direction="${direction}"`
  return types.map(type => `<arg type="${type}"${way}/>`).join('')
}
