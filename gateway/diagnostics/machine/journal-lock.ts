import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Check } from './check.js'
import { deviceOf, lockHolder } from './locks.js'
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
  const pid = lockHolder({ kind: 'POSIX', device: deviceOf(file.dev), inode: file.ino, locks })
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
