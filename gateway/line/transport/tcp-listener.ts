import { createServer, type Server, type Socket } from 'node:net'
import type { Clock } from '../../core/clock.js'
import { lineError, stopped } from './line-error.js'
import { SocketConnection } from './socket-connection.js'
import type { Connection, Transport } from './transport.js'

export interface TcpListenerOptions {
  readonly host: string
  /** 0 lets the system choose; `address` names its choice from then on. */
  readonly port: number
  readonly clock: Clock
  /** IP addresses that may connect; others are closed at once. Absent: any. */
  readonly allowedAddresses?: readonly string[]
}

/**
 * A terminal that connects to us. `connect` listens and resolves with the first client; while that
 * one is connected, others are closed at once: one line, one terminal. The port is released
 * together with the connection.
 */
export class TcpListener implements Transport {
  readonly #options: TcpListenerOptions
  #boundPort: number | undefined

  constructor(options: TcpListenerOptions) {
    this.#options = options
  }

  get address(): string {
    return `${this.#options.host}:${this.#boundPort ?? this.#options.port}`
  }

  async connect(signal: AbortSignal): Promise<Connection> {
    if (signal.aborted) throw stopped(this.address)
    const server = createServer()
    const abort = (): void => void server.emit('error', stopped(this.address))
    signal.addEventListener('abort', abort, { once: true })
    try {
      const socket = await this.#firstClient(server)
      if (signal.aborted) socket.destroy(stopped(this.address))
      signal.throwIfAborted()
      const { clock } = this.#options
      return new SocketConnection({ socket, clock, released: () => server.close() })
    } catch (thrown) {
      // Its address may still be being looked up: it would begin to listen afterwards.
      server.once('listening', () => server.close())
      server.close()
      throw signal.aborted ? stopped(this.address) : lineError(this.address, thrown)
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  #firstClient(server: Server): Promise<Socket> {
    const { host, port } = this.#options
    return new Promise((resolve, reject) => {
      let isTaken = false
      server.on('error', reject)
      server.on('connection', socket => {
        if (isTaken || !this.#isAllowed(socket)) return void socket.destroy()
        isTaken = true
        resolve(socket)
      })
      server.listen({ host, port }, () => {
        const bound = server.address()
        this.#boundPort = typeof bound === 'object' ? bound?.port : undefined
      })
    })
  }

  #isAllowed(socket: Socket): boolean {
    const { allowedAddresses } = this.#options
    // On a dual-stack socket an IPv4 client is written `::ffff:10.0.0.7`.
    const client = (socket.remoteAddress ?? '').replace(/^::ffff:/, '')
    return allowedAddresses === undefined || allowedAddresses.includes(client)
  }
}
