import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { isatty } from 'node:tty'
import { SerialPort } from 'serialport'
import type { Clock } from '../../core/clock.js'
import { messageOf, TillbridgeError } from '../../core/errors.js'
import { lineError, stopped } from './line-error.js'
import { SerialConnection, type UnixPort } from './serial-connection.js'
import type { Connection, Transport } from './transport.js'
import { type Rs485Options, setRs485, tryLock } from './tty.js'

export interface SerialPortOptions {
  /** Best its name under /dev/serial/by-id, which survives replugging. */
  readonly path: string
  readonly baudRate: number
  readonly dataBits: 7 | 8
  readonly parity: 'none' | 'even' | 'odd'
  readonly stopBits: 1 | 2
  readonly rs485?: Rs485Options
  readonly clock: Clock
}

/** A serial port on Linux, held exclusively while open. */
export class SerialPortTransport implements Transport {
  readonly address: string
  readonly #options: SerialPortOptions

  constructor(options: SerialPortOptions) {
    this.#options = options
    this.address = options.path
  }

  async connect(signal: AbortSignal): Promise<Connection> {
    if (signal.aborted) throw stopped(this.address)
    // serialport takes its lock only after it has changed the port's settings, under the feet of
    // whoever holds it. So the lock is ours, on a descriptor of its own, and taken first.
    const lock = await this.#lock()
    try {
      const port = await this.#open()
      const { clock, rs485 } = this.#options
      const byRts = rs485?.direction === 'rts' ? { byRts: rs485 } : {}
      const connection = new SerialConnection({ port, lock, clock, ...byRts })
      if (!signal.aborted) return connection
      await connection.close()
      throw stopped(this.address)
    } catch (thrown) {
      await lock.close()
      throw thrown
    }
  }

  async #lock(): Promise<FileHandle> {
    const { O_RDWR, O_NOCTTY, O_NONBLOCK } = constants
    const handle = await open(this.address, O_RDWR | O_NOCTTY | O_NONBLOCK).catch(thrown => {
      throw lineError(this.address, thrown)
    })
    try {
      if (!isatty(handle.fd))
        throw new TillbridgeError('TB_LINE_UNAVAILABLE', `${this.address} is no serial port`)
      if (!tryLock(handle.fd))
        throw new TillbridgeError('TB_LINE_BUSY', `${this.address} is locked`)
      return handle
    } catch (thrown) {
      await handle.close()
      throw thrown
    }
  }

  // serialport drops what arrived before it set the port up: what a former session left unread is
  // not answered as if it were said now.
  async #open(): Promise<UnixPort> {
    const { path, baudRate, dataBits, parity, stopBits, rs485 } = this.#options
    const settings = { path, baudRate, dataBits, parity, stopBits, lock: false }
    const port = await SerialPort.binding.open(settings).catch(thrown => {
      // The path opened a moment ago: what failed now are the settings.
      const reason = `${path}: ${messageOf(thrown)}`
      throw new TillbridgeError('TB_LINE_SETTINGS', reason, { cause: thrown })
    })
    if (!('poller' in port) || port.fd === null)
      throw new TillbridgeError('TB_LINE_UNAVAILABLE', `${path}: serial ports need Linux`)
    try {
      if (rs485?.direction === 'kernel') setRs485(port.fd, rs485)
      if (rs485?.direction === 'rts') await listenByRts(port, rs485)
      return port
    } catch (thrown) {
      await port.close()
      throw thrown
    }
  }
}

/** @throws TillbridgeError TB_LINE_SETTINGS where the adapter has no RTS. */
async function listenByRts(port: UnixPort, { rtsOnSend }: Rs485Options): Promise<void> {
  try {
    await port.set({ rts: !rtsOnSend })
  } catch (thrown) {
    const reason = `no RTS at this adapter: ${messageOf(thrown)}`
    throw new TillbridgeError('TB_LINE_SETTINGS', reason, { cause: thrown })
  }
}
