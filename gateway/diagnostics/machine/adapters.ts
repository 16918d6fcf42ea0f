import { join } from 'node:path'
import { portsNamed, readPortName } from '../../line/transport/port-name.js'
import { listSerialPorts, type SerialPortInfo } from '../../line/transport/serial-port-list.js'
import { type Check, type Finding, serialPorts } from './check.js'

const name = 'equal adapters'

/**
 * Adapters that say the same of themselves are told apart by the socket they are plugged into; and
 * those that the configuration names by what they say are there.
 */
export const checkAdapters: Check = async machine => {
  const ports = await listSerialPorts(join(machine.root, '/'))
  const shown = ({ byPath, path }: SerialPortInfo): string =>
    (byPath ?? path).slice(machine.root.length)
  const groups = new Map<string, SerialPortInfo[]>()
  for (const port of ports) {
    if (port.usb === undefined) continue
    const { vendorId, productId, serial = '', interface: number } = port.usb
    const key = [vendorId, productId, serial, number].join(':')
    groups.set(key, [...(groups.get(key) ?? []), port])
  }
  const equal = [...groups.values()].filter(({ length }) => length > 1)
  const findings = equal.map((group): Finding => {
    const { vendorId, productId, serial } = group[0]?.usb ?? {}
    const why = serial === undefined ? 'have no serial number' : `all have serial number ${serial}`
    const places = group.map(shown)
    return {
      name,
      state: 'warn',
      found:
        `${group.length} adapters ${vendorId}:${productId} ${why}: ` +
        'only the socket tells them apart',
      doThis: `Write as \`path\` the socket of each terminal: ${places.join(', ')}.`,
    }
  })
  const named = serialPorts(machine).flatMap(({ terminal, path }): readonly Finding[] => {
    const asked = readPortName(path)
    if (asked === undefined) return []
    const found = portsNamed(asked, ports).map(shown)
    const own = `adapter of ${terminal}`
    if (found.length === 1) return [{ name: own, state: 'ok', found: `${path} is ${found[0]}` }]
    if (found.length > 1)
      return [
        {
          name: own,
          state: 'warn',
          found: `${path} may be ${found.join(' or ')}`,
          doThis: 'Fine where its profile says how to ask the terminal; else write one of the two.',
        },
      ]
    const doThis = `Plug it in, or write one that is: ${ports.map(shown).join(', ') || 'none is'}.`
    return [{ name: own, state: 'fail', found: `no adapter here is ${path}`, doThis }]
  })
  return [...findings, ...named]
}
