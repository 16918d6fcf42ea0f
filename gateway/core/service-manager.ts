import koffi from 'koffi'

/** What a service manager wants to hear, in sd_notify(3)'s words. */
export type ServiceState = 'READY=1' | 'STOPPING=1' | 'WATCHDOG=1' | `STATUS=${string}`

/** The service manager that started this process (systemd, `Type=notify`). */
export interface ServiceManager {
  /** How long it waits for a `WATCHDOG=1` before it kills and starts anew; nothing: for ever. */
  readonly watchdogMs: number | undefined
  /** A datagram, never waited for; one that cannot be sent is as good as unsaid. */
  tell(state: ServiceState): void
}

/** <sys/socket.h> of Linux. */
const AF_UNIX = 1
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000
const MSG_DONTWAIT = 0x40

/**
 * The service manager as its environment names it (`NOTIFY_SOCKET`, `WATCHDOG_USEC`,
 * `WATCHDOG_PID`), or nothing where no such one started us. Node has no datagram sockets of the
 * local kind, and a `systemd-notify` for each sign of life would be a process every few seconds.
 * @throws Error the socket's name is longer than the kernel takes
 */
export function openServiceManager(options: {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly pid: number
}): ServiceManager | undefined {
  const { env, pid } = options
  const { NOTIFY_SOCKET: path = '' } = env
  if (!/^[/@]./.test(path)) return undefined
  const address = unixAddress(path)
  const libc = koffi.load('libc.so.6')
  const socket = libc.func('int socket(int domain, int type, int protocol)')
  const sendto = libc.func(
    'int64_t sendto(int fd, void *bytes, size_t length, int flags, void *address, uint32_t size)',
  )
  const fd: unknown = socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0)
  return {
    watchdogMs: watchdogMs(env, pid),
    tell: state => {
      const bytes = Buffer.from(state)
      sendto(fd, bytes, bytes.length, MSG_DONTWAIT, address, address.length)
    },
  }
}

/** `struct sockaddr_un`; a leading `@` stands for the abstract namespace (unix(7)). */
function unixAddress(path: string): Buffer {
  const family = Buffer.alloc(2)
  family.writeUInt16LE(AF_UNIX)
  const name = Buffer.from(path)
  if (name.length > 107) throw new Error(`NOTIFY_SOCKET: expected at most 107 bytes: ${path}`)
  if (path.startsWith('@')) name[0] = 0
  return Buffer.concat(path.startsWith('@') ? [family, name] : [family, name, Buffer.alloc(1)])
}

function watchdogMs(
  env: Readonly<Record<string, string | undefined>>,
  pid: number,
): number | undefined {
  const { WATCHDOG_USEC: micros, WATCHDOG_PID: meant } = env
  if (micros === undefined || !/^[1-9]\d{0,14}$/.test(micros)) return undefined
  if (meant !== undefined && meant !== String(pid)) return undefined
  return Number(micros) / 1000
}
