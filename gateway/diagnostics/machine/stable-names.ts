import { join } from 'node:path'
import { listSerialPorts } from '../../line/transport/serial-port-list.js'
import { type Check, serialPorts } from './check.js'

const name = 'stable names'

/** Names under /dev/serial/by-id follow an adapter to another socket; ttyUSB0 does not. */
export const checkStableNames: Check = async machine => {
  const ports = await listSerialPorts(join(machine.root, '/'))
  const byId = new Map(
    ports.map(port => [port.path, port.byId?.slice(machine.root.length)] as const),
  )
  const movable = serialPorts(machine).filter(({ path }) => /\/tty(USB|ACM)\d+$/.test(path))
  const advised = movable.flatMap(({ terminal, path }) => {
    const stable = byId.get(join(machine.root, path))
    return stable === undefined ? [] : [`${terminal}: ${stable}`]
  })
  if (advised.length > 0)
    return [
      {
        name,
        state: 'warn',
        found: `${movable.map(({ path }) => path).join(', ')} may swap at the next start`,
        doThis: `Write as \`path\` of ${advised.join('; of ')}.`,
      },
    ]
  const listed = [...byId.values()].filter(stable => stable !== undefined).join(', ')
  return [{ name, state: 'ok', found: listed || 'no adapter has one here' }]
}
