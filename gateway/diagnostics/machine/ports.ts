import { access, constants, readFile, realpath, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { systemCodeOf } from '../../core/errors.js'
import { readPortName } from '../../line/transport/port-name.js'
import { type Check, type Finding, type Machine, serialPorts } from './check.js'
import { processesHolding } from './processes.js'

/** Each serial port of the configuration: it exists, may be opened, and nobody else holds it. */
export const checkPorts: Check = async machine =>
  Promise.all(
    serialPorts(machine)
      .filter(({ path }) => readPortName(path) === undefined)
      .map(port => checkPort(machine, port)),
  )

async function checkPort(
  machine: Machine,
  port: { readonly terminal: string; readonly path: string },
): Promise<Finding> {
  const name = `port of ${port.terminal}`
  const path = join(machine.root, port.path)
  try {
    const device = await realpath(path)
    await access(device, constants.R_OK | constants.W_OK)
    if (!(await stat(device)).isCharacterDevice())
      return {
        name,
        state: 'fail',
        found: `${port.path} is no serial port`,
        doThis: 'Write the name that /dev/serial/by-id shows.',
      }
    const [holder] = await processesHolding({ proc: join(machine.root, '/proc'), path: device })
    if (holder === undefined) return { name, state: 'ok', found: `${port.path} can be opened` }
    return {
      name,
      state: 'warn',
      found: `${port.path} is held by process ${holder.pid} (${holder.name})`,
      doThis: `Leave it if that is this shop's running gateway; else stop process ${holder.pid}.`,
    }
  } catch (thrown) {
    if (systemCodeOf(thrown) === 'EACCES')
      return forbidden({ name, path, shown: port.path, root: machine.root })
    return {
      name,
      state: 'fail',
      found: `${port.path} does not exist`,
      doThis: 'Plug in the adapter, or write the name that /dev/serial/by-id shows.',
    }
  }
}

async function forbidden(port: {
  readonly name: string
  readonly path: string
  readonly shown: string
  readonly root: string
}): Promise<Finding> {
  const { gid, mode } = await stat(port.path)
  const group = await groupName(port.root, gid)
  // No one is put into the group of root for a port, nor does a group help that may not open it.
  const helps = gid !== 0 && (mode & 0o060) === 0o060
  const device = basename(await realpath(port.path))
  const rule = `KERNEL=="${device}", GROUP="dialout", MODE="0660"`
  return {
    name: port.name,
    state: 'fail',
    found: `${port.shown} belongs to group ${group}; this user may not open it`,
    doThis: helps
      ? `Run \`sudo usermod -aG ${group} $USER\`, then log in again.`
      : `Write \`${rule}\` to /etc/udev/rules.d/70-tillbridge.rules, plug it in again, and run ` +
        '`sudo usermod -aG dialout $USER` if you are not in that group.',
  }
}

async function groupName(root: string, gid: number): Promise<string> {
  const groups = await readFile(join(root, '/etc/group'), 'utf8').catch(() => '')
  const found = groups.split('\n').find(line => line.split(':')[2] === String(gid))
  return found?.split(':')[0] ?? String(gid)
}
