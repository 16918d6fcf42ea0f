import { connect, type Socket } from 'node:net'
import type { Clock } from '../../core/clock.js'
import { TillbridgeError } from '../../core/errors.js'
import { lineError, stopped } from './line-error.js'
import { SocketConnection } from './socket-connection.js'
import type { Connection, Transport } from './transport.js'

const CONNECT_TIMEOUT_MS = 5000

/** A terminal that listens on TCP, or a serial device server in front of one. */
export class TcpClient implements Transport {
  readonly address: string
  readonly #options: TcpClientOptions

  constructor(options: TcpClientOptions) {
    this.#options = options
    this.address = `${options.host}:${options.port}`
  }

  async connect(signal: AbortSignal): Promise<Connection> {
    const { host, port, clock, connectTimeoutMs = CONNECT_TIMEOUT_MS } = this.#options
    if (signal.aborted) throw stopped(this.address)
    const socket = connect({ host, port })
    const abort = (): void => void socket.destroy(stopped(this.address))
    signal.addEventListener('abort', abort, { once: true })
    const cancelTimeout = clock.after(connectTimeoutMs, () =>
      socket.destroy(new Error(`no answer within ${connectTimeoutMs} ms`)),
    )
    try {
      await connected(socket)
      return new SocketConnection({ socket, clock })
    } catch (thrown) {
      throw thrown instanceof TillbridgeError ? thrown : lineError(this.address, thrown)
    } finally {
      cancelTimeout()
      signal.removeEventListener('abort', abort)
    }
  }
}

export interface TcpClientOptions {
  readonly host: string
  readonly port: number
  readonly clock: Clock
  readonly connectTimeoutMs?: number
}

function connected(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('connect', () => {
      socket.off('error', reject)
      resolve()
    })
    socket.once('error', reject)
  })
}
