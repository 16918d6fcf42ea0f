import { read } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { promisify } from 'node:util'
import type { SerialPort } from 'serialport'
import type { Clock } from '../../core/clock.js'
import { messageOf, systemCodeOf, TillbridgeError } from '../../core/errors.js'
import { within } from '../../core/within.js'
import { ChunkQueue } from './chunk-queue.js'
import type { Chunk, Connection } from './transport.js'
import { flushInput, flushOutput, type Rs485Options, unsentBytes } from './tty.js'

/** The open port of serialport's binding for Linux (or macOS, which has the same parts). */
export type UnixPort = Extract<
  Awaited<ReturnType<typeof SerialPort.binding.open>>,
  { readonly poller: unknown }
>

const READ_BYTES = 4096
const WRITE_TIMEOUT_MS = 3000
const DRAIN_POLL_MS = 2
const readDescriptor = promisify(read)

/**
 * An open serial port. It is read here rather than by serialport, which takes a read of 0 bytes, a
 * hang-up, for an invitation to try again at once: a whole core would spin, and nobody be told.
 */
export class SerialConnection implements Connection {
  readonly #port: UnixPort
  readonly #lock: FileHandle
  readonly #clock: Clock
  readonly #byRts: Rs485Options | undefined
  readonly #queue: ChunkQueue
  readonly #reading: Promise<void>
  #writing: Promise<void> = Promise.resolve()
  #lostReason: string | undefined
  #closing: Promise<void> | undefined

  /** Both are closed with the connection. `byRts`: a two-wire line that is turned round here. */
  constructor(options: {
    readonly port: UnixPort
    readonly lock: FileHandle
    readonly clock: Clock
    readonly byRts?: Rs485Options
  }) {
    this.#port = options.port
    this.#lock = options.lock
    this.#clock = options.clock
    this.#byRts = options.byRts
    this.#queue = new ChunkQueue({ clock: options.clock })
    this.#reading = this.#readUntilClosed()
  }

  /** One at a time; when it resolves the bytes have left, as far as the driver knows. */
  async write(bytes: Uint8Array): Promise<void> {
    this.#queue.assertOpen()
    const written = this.#writing.then(() => this.#write(bytes))
    this.#writing = written.catch(() => undefined) // Its caller hears of it; the next one checks.
    await written
  }

  /** What was being written goes out first, or fails. */
  close(): Promise<void> {
    this.#queue.close()
    this.#closing ??= this.#writing.then(() => this.#release())
    return this.#closing
  }

  flush(): void {
    if (this.#port.fd !== null) flushInput(this.#port.fd)
  }

  [Symbol.asyncIterator](): AsyncIterator<Chunk> {
    return this.#queue[Symbol.asyncIterator]()
  }

  async #readUntilClosed(): Promise<void> {
    const buffer = Buffer.alloc(READ_BYTES)
    try {
      while (this.#closing === undefined) {
        const count = await this.#read(buffer)
        if (count > 0) this.#queue.push(new Uint8Array(buffer.subarray(0, count)))
        if (count === 0 && this.#closing === undefined) this.#lose('the line hung up')
      }
    } catch (thrown) {
      this.#lose(messageOf(thrown), thrown)
    }
  }

  /** Bytes read; -1 where there were none yet and there may be now; 0 is a hang-up. */
  async #read(buffer: Buffer): Promise<number> {
    const { fd, poller } = this.#port
    if (fd === null) return 0
    try {
      const { bytesRead } = await readDescriptor(fd, buffer, 0, buffer.length, null)
      return bytesRead
    } catch (thrown) {
      if (!['EAGAIN', 'EINTR'].includes(systemCodeOf(thrown) ?? '')) throw thrown
    }
    if (this.#closing !== undefined) return -1
    return new Promise(resolve => {
      poller.once('readable', (error?: unknown) => resolve(error ? 0 : -1))
    })
  }

  async #write(bytes: Uint8Array): Promise<void> {
    if (this.#lostReason !== undefined)
      throw new TillbridgeError('TB_LINE_CLOSED', this.#lostReason)
    const handedOver = this.#send(bytes).then(
      () => undefined,
      thrown => messageOf(thrown),
    )
    const deadlineMs = this.#clock.monotonicMs() + WRITE_TIMEOUT_MS
    const outcome = await within(this.#clock, { ms: WRITE_TIMEOUT_MS, work: handedOver })
    const failure = outcome ?? (await this.#drain(deadlineMs)) ?? (await this.#turnBack())
    if (failure === undefined) return
    const reason = failure === 'timeout' ? 'the line takes no bytes' : failure
    this.#lose(reason)
    throw new TillbridgeError('TB_LINE_CLOSED', reason)
  }

  async #send(bytes: Uint8Array): Promise<void> {
    if (this.#byRts !== undefined) {
      await this.#port.set({ rts: this.#byRts.rtsOnSend })
      await this.#clock.sleep(this.#byRts.delayBeforeSendMs)
    }
    await this.#port.write(Buffer.from(bytes))
  }

  /** The line is the others' again; a driver that cannot set RTS says why. */
  async #turnBack(): Promise<string | undefined> {
    if (this.#byRts === undefined) return undefined
    // The last characters stand in the adapter still, where TIOCOUTQ does not see them.
    await this.#port.drain()
    await this.#clock.sleep(this.#byRts.delayAfterSendMs)
    return this.#port.set({ rts: !this.#byRts.rtsOnSend }).then(
      () => undefined,
      thrown => messageOf(thrown),
    )
  }

  // Asked, not waited for: tcdrain blocks a thread of the pool that the journal needs, for as long
  // as a terminal's flow control likes.
  async #drain(deadlineMs: number): Promise<'timeout' | undefined> {
    while (this.#port.fd !== null && unsentBytes(this.#port.fd) > 0) {
      if (this.#clock.monotonicMs() >= deadlineMs) return 'timeout'
      await this.#clock.sleep(DRAIN_POLL_MS)
    }
    return undefined
  }

  #lose(reason: string, cause?: unknown): void {
    this.#lostReason = reason
    this.#queue.lose(reason, cause)
    // Nothing half sent may leave later, and the closing of a tty would wait for it.
    if (this.#port.fd !== null) flushOutput(this.#port.fd)
    this.#closing ??= this.#release()
  }

  async #release(): Promise<void> {
    this.#port.poller.stop()
    // A read under way must not find its descriptor's number given to another file.
    await this.#reading
    // A close that reports an error has closed all the same, see close(2).
    await Promise.allSettled([this.#port.close(), this.#lock.close()])
  }
}
