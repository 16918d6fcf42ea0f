/** As proc_locks(5) writes a device: major and minor in hexadecimal (gnu_dev_major(3)). */
export function deviceOf(dev: number): string {
  const number = BigInt(dev)
  const major = ((number >> 8n) & 0xfffn) | ((number >> 32n) & ~0xfffn)
  const minor = (number & 0xffn) | ((number >> 12n) & ~0xffn)
  return [major, minor].map(part => part.toString(16).padStart(2, '0')).join(':')
}

/**
 * Who holds a lock on a file: of fcntl(2), `POSIX`, as LevelDB's is, or of flock(2), as serial
 * ports have it. proc_locks(5), which every user may read:
 * `1: POSIX  ADVISORY  WRITE 3548 08:01:23345 0 EOF`; not the waiting ones (`->`).
 */
export function lockHolder(options: {
  readonly kind: 'POSIX' | 'FLOCK'
  readonly device: string
  readonly inode: number
  readonly locks: string
}): number | undefined {
  for (const line of options.locks.split('\n')) {
    const [, kind, pid, device, inode] =
      /^\d+: (POSIX|FLOCK) +\S+ +\S+ (\d+) ([\da-f]+:[\da-f]+):(\d+) /.exec(line) ?? []
    const isIt = device === options.device && Number(inode) === options.inode
    if (kind === options.kind && isIt) return Number(pid)
  }
  return undefined
}
