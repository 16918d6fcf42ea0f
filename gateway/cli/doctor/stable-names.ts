import { readdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { type Check, type Machine, serialPorts } from './check.js'

/** Where udev puts names that stay with an adapter; the second one inside our container image. */
const FOLDERS = ['/dev/serial/by-id', '/hostdev/serial/by-id']

/** Names under /dev/serial/by-id follow an adapter to another socket; ttyUSB0 does not. */
export const checkStableNames: Check = async machine => {
  const names = await stableNames(machine)
  const listed = [...names.values()].join(', ')
  const movable = serialPorts(machine).filter(({ path }) => /\/tty(USB|ACM)\d+$/.test(path))
  const advised = movable.flatMap(({ terminal, path }) => {
    const stable = names.get(join(machine.root, path))
    return stable === undefined ? [] : [`${terminal}: ${stable}`]
  })
  if (advised.length > 0)
    return [
      {
        name: 'stable names',
        state: 'warn',
        found: `${movable.map(({ path }) => path).join(', ')} may swap at the next start`,
        doThis: `Write as \`path\` of ${advised.join('; of ')}.`,
      },
    ]
  const found = listed === '' ? 'no adapter has one here' : listed
  return [{ name: 'stable names', state: 'ok', found }]
}

/** Device path (links resolved) → its stable name, as the configuration would write it. */
async function stableNames(machine: Machine): Promise<ReadonlyMap<string, string>> {
  const names = new Map<string, string>()
  for (const folder of FOLDERS) {
    const entries = await readdir(join(machine.root, folder)).catch(() => [])
    for (const entry of entries) {
      const device = await realpath(join(machine.root, folder, entry)).catch(() => undefined)
      if (device !== undefined) names.set(device, join(folder, entry))
    }
  }
  return names
}
