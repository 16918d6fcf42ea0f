import { readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'

export interface ProcessName {
  readonly pid: number
  readonly name: string
}

/** Processes that have a file open, as far as this user may look: others' need root. */
export async function processesHolding(options: {
  readonly proc: string
  readonly path: string
}): Promise<readonly ProcessName[]> {
  const { proc, path } = options
  const holders: ProcessName[] = []
  for (const entry of await readdir(proc))
    if (/^\d+$/.test(entry) && (await holds({ folder: join(proc, entry, 'fd'), path })))
      holders.push(await processName({ proc, pid: Number(entry) }))
  return holders
}

async function holds(options: {
  readonly folder: string
  readonly path: string
}): Promise<boolean> {
  try {
    for (const fd of await readdir(options.folder))
      if ((await readlink(join(options.folder, fd))) === options.path) return true
  } catch {
    // The process ended meanwhile, or belongs to another user: it cannot be named.
  }
  return false
}

export async function processName(options: {
  readonly proc: string
  readonly pid: number
}): Promise<ProcessName> {
  const { proc, pid } = options
  // Without a name it is one that ended meanwhile; its number still helps to find it in a log.
  const name = await readFile(join(proc, String(pid), 'comm'), 'utf8').catch(() => 'unknown')
  return { pid, name: name.trim() }
}
