import { execFileSync } from 'node:child_process'
import { closeSync, constants, readSync, rmSync, symlinkSync, writeSync } from 'node:fs'
import koffi from 'koffi'
import type { Test } from 'tap'
import { concatBytes } from '../../gateway/core/bytes.js'

/** A serial port that a gateway opens, and the device at the other end of its cable. */
export interface PtyPair {
  readonly port: string
  /** What the gateway wrote. */
  received(): Uint8Array
  send(bytes: Uint8Array): void
  /** The wires break; the port stays. */
  cut(): void
  /** A loop plug takes the device's place. */
  loop(): void
  /** The adapter is unplugged. */
  unplug(): void
}

const LOOK_MS = 5
const NAME_BYTES = 128

/** A pseudo-terminal whose port no process but its user has open, as that of a real adapter. */
export function openPtyPair(t: Test, port: string): PtyPair {
  const master = openMaster(port)
  const heard: Uint8Array[] = []
  const buffer = Buffer.alloc(4096)
  let isCut = false
  let isLooped = false
  let isOpen = true
  const hear = (): void => {
    try {
      for (;;) {
        const bytes = Uint8Array.from(buffer.subarray(0, readSync(master, buffer)))
        if (isLooped) writeSync(master, bytes)
        else if (!isCut) heard.push(bytes)
      }
    } catch {
      // EAGAIN: nothing came; EIO: nobody has the port open.
    }
  }
  const hearing = setInterval(hear, LOOK_MS)
  const unplug = (): void => {
    if (!isOpen) return
    isOpen = false
    clearInterval(hearing)
    rmSync(port, { force: true })
    closeSync(master)
  }
  t.teardown(unplug)
  return {
    port,
    received: () => concatBytes(heard),
    send: bytes => {
      if (!isCut) writeSync(master, bytes)
    },
    cut: () => {
      isCut = true
    },
    loop: () => {
      isLooped = true
    },
    unplug,
  }
}

function openMaster(port: string): number {
  const libc = koffi.load('libc.so.6')
  const { O_RDWR, O_NOCTTY, O_NONBLOCK } = constants
  const master: number = libc.func('int posix_openpt(int)')(O_RDWR | O_NOCTTY | O_NONBLOCK)
  const name = Buffer.alloc(NAME_BYTES)
  libc.func('int grantpt(int)')(master)
  libc.func('int unlockpt(int)')(master)
  libc.func('int ptsname_r(int, _Out_ uint8_t *, size_t)')(master, name, NAME_BYTES)
  const device = name.toString('latin1', 0, name.indexOf(0))
  execFileSync('stty', ['-F', device, 'raw', '-echo'])
  symlinkSync(device, port)
  return master
}
