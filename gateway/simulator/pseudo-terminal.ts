import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { ReadStream } from 'node:tty'
import koffi, { type KoffiFunc } from 'koffi'
import { messageOf, TillbridgeError } from '../core/errors.js'

/** A serial line without hardware: we hold the terminal's end, a gateway opens `path`. */
export interface PseudoTerminal {
  /** What to open as the serial port: the stable link where one was asked for, else the device. */
  readonly path: string
  /** The device itself, `/dev/pts/N`. */
  readonly device: string
  /** What the gateway writes; returns the way to stop listening. */
  onData(listener: (bytes: Uint8Array) => void): () => void
  /** Resolves when the kernel has taken the bytes; rejects once closed. */
  write(bytes: Uint8Array): Promise<void>
  /** Hangs up: who has the other end open sees the line disconnect. Idempotent. */
  close(): void
}

/**
 * sizeof(struct termios) is 60 in glibc on every architecture of Linux; a little room beside it.
 */
const TERMIOS_BYTES = 64
const NAME_BYTES = 128
const O_CLOEXEC = 0o2000000
const TCSANOW = 0

interface Libc {
  readonly posixOpenpt: KoffiFunc<(flags: number) => number>
  readonly grantpt: KoffiFunc<(fd: number) => number>
  readonly unlockpt: KoffiFunc<(fd: number) => number>
  readonly ptsname: KoffiFunc<(fd: number, name: Uint8Array, size: number) => number>
  readonly tcgetattr: KoffiFunc<(fd: number, termios: Uint8Array) => number>
  readonly cfmakeraw: KoffiFunc<(termios: Uint8Array) => void>
  readonly tcsetattr: KoffiFunc<(fd: number, when: number, termios: Uint8Array) => number>
}

/** Loaded at the first use only: a gateway with real ports never touches koffi. */
let loaded: Libc | undefined

function libc(): Libc {
  if (loaded !== undefined) return loaded
  const library = koffi.load('libc.so.6')
  loaded = {
    posixOpenpt: library.func('int posix_openpt(int flags)'),
    grantpt: library.func('int grantpt(int fd)'),
    unlockpt: library.func('int unlockpt(int fd)'),
    ptsname: library.func('int ptsname_r(int fd, _Out_ uint8_t *name, size_t size)'),
    tcgetattr: library.func('int tcgetattr(int fd, _Out_ uint8_t *termios)'),
    cfmakeraw: library.func('void cfmakeraw(_Inout_ uint8_t *termios)'),
    tcsetattr: library.func('int tcsetattr(int fd, int when, const uint8_t *termios)'),
  }
  return loaded
}

/**
 * A raw, 8-bit clean pseudo-terminal. We keep its slave side open too, so our end outlives every
 * gateway that opens the port and dies. A kernel buffer holds what is written while nobody reads.
 * @throws TillbridgeError TB_PTY_UNAVAILABLE where the system gives none.
 */
export function openPseudoTerminal(
  options: { /** A stable name, replaced if it exists. */ readonly link?: string } = {},
): PseudoTerminal {
  const { master, device } = openMaster()
  const slave = openSync(device, constants.O_RDWR | constants.O_NOCTTY)
  makeRaw(slave)
  if (options.link !== undefined) pointLink(options.link, device)
  // libuv polls a terminal's descriptor; fs.read would block a thread of the pool instead.
  const stream = new ReadStream(master)
  stream.on('error', () => undefined) // reported to the writer, and by `close` to the reader
  stream.resume()
  let open = true
  return {
    path: options.link ?? device,
    device,
    onData: listener => {
      stream.on('data', listener)
      return () => stream.off('data', listener)
    },
    write: bytes =>
      new Promise((resolve, reject) => {
        stream.write(bytes, error => (error instanceof Error ? reject(error) : resolve()))
      }),
    close: () => {
      if (!open) return
      open = false
      if (options.link !== undefined) removeLink(options.link, device)
      stream.destroy()
      closeSync(slave)
    },
  }
}

function openMaster(): { readonly master: number; readonly device: string } {
  const c = libcOrUnavailable()
  const master = c.posixOpenpt(
    constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK | O_CLOEXEC,
  )
  if (master < 0) throw unavailable(`posix_openpt: errno ${koffi.errno()}`)
  const name = Buffer.alloc(NAME_BYTES)
  if (
    c.grantpt(master) !== 0 ||
    c.unlockpt(master) !== 0 ||
    c.ptsname(master, name, NAME_BYTES) !== 0
  ) {
    const reason = `errno ${koffi.errno()}`
    closeSync(master)
    throw unavailable(`no slave side: ${reason}`)
  }
  return { master, device: name.toString('latin1', 0, name.indexOf(0)) }
}

function libcOrUnavailable(): Libc {
  try {
    return libc()
  } catch (thrown) {
    throw unavailable(`the C library did not load: ${messageOf(thrown)}`)
  }
}

function unavailable(message: string): TillbridgeError {
  return new TillbridgeError('TB_PTY_UNAVAILABLE', message)
}

/** No echo, no line editing, no CR/LF translation: bytes pass as they are. */
function makeRaw(slave: number): void {
  const termios = Buffer.alloc(TERMIOS_BYTES)
  const c = libc()
  if (c.tcgetattr(slave, termios) !== 0) throw unavailable(`tcgetattr: errno ${koffi.errno()}`)
  c.cfmakeraw(termios)
  if (c.tcsetattr(slave, TCSANOW, termios) !== 0)
    throw unavailable(`tcsetattr: errno ${koffi.errno()}`)
}

/** Renamed into place, so that an opener sees the old device or the new, never none. */
function pointLink(link: string, device: string): void {
  mkdirSync(dirname(link), { recursive: true })
  const temporary = `${link}.${process.pid}`
  rmSync(temporary, { force: true })
  symlinkSync(device, temporary)
  renameSync(temporary, link)
}

function removeLink(link: string, device: string): void {
  try {
    if (readlinkSync(link) === device) rmSync(link, { force: true })
  } catch {
    // Somebody removed it first: what we wanted.
  }
}
