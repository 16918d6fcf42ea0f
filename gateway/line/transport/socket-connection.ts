import type { Socket } from 'node:net'
import type { Clock } from '../../core/clock.js'
import { TillbridgeError } from '../../core/errors.js'
import { within } from '../../core/within.js'
import { ChunkQueue } from './chunk-queue.js'
import type { Chunk, Connection } from './transport.js'

const WRITE_TIMEOUT_MS = 5000
const CLOSE_TIMEOUT_MS = 1000
const KEEP_ALIVE_MS = 10_000

/** A connected TCP socket as a line; `released` is called when it is gone, whoever closed it. */
export class SocketConnection implements Connection {
  readonly #socket: Socket
  readonly #clock: Clock
  readonly #queue: ChunkQueue
  readonly #gone: Promise<void>

  constructor(options: {
    readonly socket: Socket
    readonly clock: Clock
    readonly released?: () => void
  }) {
    const { socket, clock, released } = options
    this.#socket = socket
    this.#clock = clock
    this.#queue = new ChunkQueue({
      clock,
      flow: { pause: () => socket.pause(), resume: () => socket.resume() },
    })
    // Answers are single bytes: Nagle would hold them back, and the terminal would repeat itself.
    socket.setNoDelay(true)
    socket.setKeepAlive(true, KEEP_ALIVE_MS)
    socket.on('data', bytes => this.#queue.push(bytes))
    socket.on('error', error => this.#queue.lose(error.message, error))
    this.#gone = new Promise(resolve => {
      socket.once('close', () => {
        this.#queue.lose('the other side closed the connection')
        released?.()
        resolve()
      })
    })
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#queue.assertOpen()
    const written = new Promise<Error | undefined>(resolve => {
      this.#socket.write(bytes, error => resolve(error ?? undefined))
    })
    const outcome = await within(this.#clock, { ms: WRITE_TIMEOUT_MS, work: written })
    if (outcome === undefined) return
    // What could not be written must not go out later, to a terminal that has moved on.
    this.#socket.destroy()
    const reason = outcome === 'timeout' ? 'the other side takes no bytes' : outcome.message
    this.#queue.lose(reason)
    throw new TillbridgeError('TB_LINE_CLOSED', reason)
  }

  async close(): Promise<void> {
    this.#queue.close()
    this.#socket.end()
    // Paused data would keep the socket from noticing its end.
    this.#socket.resume()
    const outcome = await within(this.#clock, { ms: CLOSE_TIMEOUT_MS, work: this.#gone })
    if (outcome === 'timeout') this.#socket.destroy()
    await this.#gone
  }

  [Symbol.asyncIterator](): AsyncIterator<Chunk> {
    return this.#queue[Symbol.asyncIterator]()
  }
}
