import { constants, type FileHandle, open } from 'node:fs/promises'
import koffi from 'koffi'

/** flock(2): exclusive, and an answer at once. */
const LOCK_EX_NB = 2 | 4

/** Locks an open file by flock(2) for as long as it is open; false where another holds it. */
export function lockDescriptor(fd: number): boolean {
  const flock = koffi.load('libc.so.6').func('int flock(int fd, int operation)')
  return flock(fd, LOCK_EX_NB) === 0
}

/**
 * Holds a lock file for as long as it is open, or nothing where another holds it, in this process
 * or in any other. The kernel gives it back when the process ends, however it ends.
 */
export async function lockFile(path: string): Promise<FileHandle | undefined> {
  const handle = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600)
  if (lockDescriptor(handle.fd)) return handle
  await handle.close()
  return undefined
}
