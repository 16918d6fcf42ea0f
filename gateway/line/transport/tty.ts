import koffi from 'koffi'
import { TillbridgeError } from '../../core/errors.js'

/** How an adapter drives a two-wire line. */
export interface Rs485Options {
  /** Whether its driver turns the line round, or whoever writes does, by RTS. */
  readonly direction: 'kernel' | 'rts'
  /** The level of RTS while sending; it is the other one while not. */
  readonly rtsOnSend: boolean
  readonly delayBeforeSendMs: number
  readonly delayAfterSendMs: number
  /** Whether the adapter also hears what it sends. */
  readonly receiveWhileSending: boolean
}

// asm-generic/ioctls.h and linux/serial.h: the same on amd64, arm and arm64.
const TCFLSH = 0x540b
const TIOCOUTQ = 0x5411
const TIOCSRS485 = 0x542f
const TCIFLUSH = 0
const TCOFLUSH = 1
const LOCK_EXCLUSIVE_NOW = 2 | 4
const RS485 = { enabled: 1, rtsOnSend: 2, rtsAfterSend: 4, receiveWhileSending: 16 } as const
const RS485_STRUCT_WORDS = 8

// The one place where the C signatures and these types are held together by hand.
interface Libc {
  readonly flock: (fd: number, operation: number) => number
  readonly ioctlNumber: (fd: number, request: number, value: number) => number
  readonly ioctlWords: (fd: number, request: number, words: Uint32Array) => number
}

let loaded: Libc | undefined

function libc(): Libc {
  if (loaded === undefined) {
    const library = koffi.load('libc.so.6')
    loaded = {
      flock: library.func('int flock(int fd, int operation)'),
      ioctlNumber: library.func('ioctl', 'int', ['int', 'unsigned long', 'long']),
      ioctlWords: library.func('ioctl', 'int', ['int', 'unsigned long', '_Inout_ uint32_t *']),
    }
  }
  return loaded
}

/** False where another process, or another opening in this one, holds the lock; see flock(2). */
export function tryLock(fd: number): boolean {
  return libc().flock(fd, LOCK_EXCLUSIVE_NOW) === 0
}

/** Drops what was written and has not left yet. Never blocks, and ends a driver's wait for it. */
export function flushOutput(fd: number): void {
  libc().ioctlNumber(fd, TCFLSH, TCOFLUSH)
}

/** Drops what has arrived and was not read yet. */
export function flushInput(fd: number): void {
  libc().ioctlNumber(fd, TCFLSH, TCIFLUSH)
}

/** Bytes written and not sent yet; 0 where the driver does not say. */
export function unsentBytes(fd: number): number {
  const words = Uint32Array.of(0)
  return libc().ioctlWords(fd, TIOCOUTQ, words) === 0 ? (words[0] ?? 0) : 0
}

/** @throws TillbridgeError TB_LINE_SETTINGS where the driver cannot drive a two-wire line. */
export function setRs485(fd: number, options: Rs485Options): void {
  const words = new Uint32Array(RS485_STRUCT_WORDS)
  words[0] =
    RS485.enabled |
    (options.rtsOnSend ? RS485.rtsOnSend : RS485.rtsAfterSend) |
    (options.receiveWhileSending ? RS485.receiveWhileSending : 0)
  words[1] = options.delayBeforeSendMs
  words[2] = options.delayAfterSendMs
  if (libc().ioctlWords(fd, TIOCSRS485, words) === 0) return
  const reason = `no RS-485 mode in this adapter's driver (errno ${koffi.errno()})`
  throw new TillbridgeError('TB_LINE_SETTINGS', reason)
}
