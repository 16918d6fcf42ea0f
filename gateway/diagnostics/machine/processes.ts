import { readdir, readFile, readlink, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { deviceOf, lockHolder } from './locks.js'

export interface ProcessName {
  readonly pid: number
  readonly name: string
}

/**
 * Processes that have a file open, as far as this user may look: others' need root, but for the one
 * that locked it by flock(2).
 */
export async function processesHolding(options: {
  readonly proc: string
  readonly path: string
}): Promise<readonly ProcessName[]> {
  const { proc, path } = options
  const holders: ProcessName[] = []
  for (const entry of await readdir(proc))
    if (/^\d+$/.test(entry) && (await holds({ folder: join(proc, entry, 'fd'), path })))
      holders.push(await processName({ proc, pid: Number(entry) }))
  const locker = await lockerOf(options)
  const isNews = locker !== undefined && holders.every(({ pid }) => pid !== locker)
  return isNews ? [...holders, await processName({ proc, pid: locker })] : holders
}

async function lockerOf(options: {
  readonly proc: string
  readonly path: string
}): Promise<number | undefined> {
  const locks = await readFile(join(options.proc, 'locks'), 'utf8').catch(() => '')
  const file = await stat(options.path).catch(() => undefined)
  if (file === undefined) return undefined
  return lockHolder({ kind: 'FLOCK', device: deviceOf(file.dev), inode: file.ino, locks })
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
