import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Check } from './check.js'
import { processName } from './processes.js'

const name = 'journal'

/** Whether another process has this shop's journal open: LevelDB locks its file LOCK. */
export const checkJournalLock: Check = async machine => {
  if (machine.config === undefined) return []
  const lock = join(machine.config.dataDir, 'journal', 'LOCK')
  const file = await stat(lock).catch(() => undefined)
  if (file === undefined) return [{ name, state: 'ok', found: 'none yet' }]
  const proc = join(machine.root, '/proc')
  const locks = await readFile(join(proc, 'locks'), 'utf8')
  const pid = lockHolder({ device: deviceOf(file.dev), inode: file.ino, locks })
  if (pid === undefined) return [{ name, state: 'ok', found: 'no process has it open' }]
  const holder = await processName({ proc, pid })
  return [
    {
      name,
      state: 'warn',
      found: `process ${holder.pid} (${holder.name}) has it open`,
      doThis: "Leave it if that is this shop's gateway; stop it before you start another.",
    },
  ]
}

/** As proc_locks(5) writes a device: major and minor in hexadecimal (gnu_dev_major(3)). */
export function deviceOf(dev: number): string {
  const number = BigInt(dev)
  const major = ((number >> 8n) & 0xfffn) | ((number >> 32n) & ~0xfffn)
  const minor = (number & 0xffn) | ((number >> 12n) & ~0xffn)
  return [major, minor].map(part => part.toString(16).padStart(2, '0')).join(':')
}

/**
 * Who holds LevelDB's lock, an fcntl(2) one. proc_locks(5):
 * `1: POSIX  ADVISORY  WRITE 3548 08:01:23345 0 EOF`; not the waiting ones (`->`).
 */
export function lockHolder(options: {
  readonly device: string
  readonly inode: number
  readonly locks: string
}): number | undefined {
  for (const line of options.locks.split('\n')) {
    const [, pid, device, inode] =
      /^\d+: POSIX +\S+ +\S+ (\d+) ([\da-f]+:[\da-f]+):(\d+) /.exec(line) ?? []
    if (device === options.device && Number(inode) === options.inode) return Number(pid)
  }
  return undefined
}
