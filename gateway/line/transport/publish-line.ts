import type { Clock } from '../../core/clock.js'
import { ChunkQueue } from './chunk-queue.js'
import { stopped } from './line-error.js'
import type { Chunk, Connection, Transport } from './transport.js'

/** A message as it stands on the line: the broker gives whole ones, a line has only bytes. */
export type FrameMessage = (payload: Uint8Array) => Uint8Array

/**
 * A terminal that is a client of a broker, heard where the broker has it. What it publishes is read
 * here as frames; the byte that is written answers the oldest of them: 0 refuses it, and any other
 * has it acknowledged.
 */
export class PublishLine implements Transport {
  readonly address: string
  readonly #clock: Clock
  readonly #frame: FrameMessage
  /** Of the client's newest connection; one that is being read is no longer here. */
  #waiting: PublishConnection | undefined
  #current: PublishConnection | undefined
  #arrived: () => void = () => undefined

  constructor(options: {
    /** For status and logs: the client and its topic. */
    readonly address: string
    readonly clock: Clock
    readonly frame: FrameMessage
  }) {
    this.address = options.address
    this.#clock = options.clock
    this.#frame = options.frame
  }

  /** The client is there, for the broker to say. A newer connection of it ends the older one. */
  enter(hangUp: () => void): Pick<PublishConnection, 'take' | 'leave'> {
    void this.#current?.close()
    const entered = new PublishConnection({ clock: this.#clock, frame: this.#frame, hangUp })
    this.#current = entered
    this.#waiting = entered
    this.#arrived()
    return entered
  }

  async connect(signal: AbortSignal): Promise<Connection> {
    while (this.#waiting === undefined && !signal.aborted)
      await new Promise<void>(resolve => {
        this.#arrived = resolve
        signal.addEventListener('abort', () => resolve(), { once: true })
      })
    const connection = this.#waiting
    if (connection === undefined || signal.aborted) throw stopped(this.address)
    this.#waiting = undefined
    return connection
  }
}

class PublishConnection implements Connection {
  readonly #queue: ChunkQueue
  readonly #frame: FrameMessage
  readonly #hangUp: () => void
  /** Of what was read, or can be, and is not answered. */
  readonly #owed: ((isTaken: boolean) => void)[] = []
  #isOver = false

  constructor(options: {
    readonly clock: Clock
    readonly frame: FrameMessage
    readonly hangUp: () => void
  }) {
    this.#queue = new ChunkQueue(options)
    this.#frame = options.frame
    this.#hangUp = options.hangUp
  }

  /** Whether the message is kept for good. One at a time, as the broker has it. */
  take(payload: Uint8Array): Promise<boolean> {
    if (this.#isOver) return Promise.resolve(false)
    return new Promise(resolve => {
      this.#owed.push(resolve)
      this.#queue.push(this.#frame(payload))
    })
  }

  /** The client is gone: what it said is read, and nobody is there to hear the answer. */
  leave(): void {
    this.#queue.lose('the client left the broker')
    this.#end()
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#queue.assertOpen()
    for (const byte of bytes) this.#owed.shift()?.(byte !== 0)
  }

  async close(): Promise<void> {
    this.#queue.close()
    if (this.#isOver) return
    this.#end()
    this.#hangUp()
  }

  [Symbol.asyncIterator](): AsyncIterator<Chunk> {
    return this.#queue[Symbol.asyncIterator]()
  }

  #end(): void {
    this.#isOver = true
    for (const answer of this.#owed.splice(0)) answer(false)
  }
}
