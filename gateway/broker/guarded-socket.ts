import { Duplex } from 'node:stream'
import type { Clock } from '../core/clock.js'
import { PacketMeter } from '../core/packet-meter.js'

/** Written at a time: a client that takes so much before its time is over reads, if slowly. */
const SLICE_BYTES = 16 * 1024

/**
 * A client's stream as the broker sees it. A packet beyond the limit ends it at its header; what it
 * does not read waits here up to `queueBytes`, and only then is the broker told to wait. It ends,
 * too, when nothing of that is read for `stallMs`.
 */
export class GuardedSocket extends Duplex {
  readonly #stream: Duplex
  readonly #clock: Clock
  readonly #stallMs: number

  constructor(options: {
    readonly stream: Duplex
    readonly maxPacketBytes: number
    readonly queueBytes: number
    readonly stallMs: number
    readonly clock: Clock
  }) {
    super({ writableHighWaterMark: options.queueBytes })
    const { stream, maxPacketBytes } = options
    this.#stream = stream
    this.#clock = options.clock
    this.#stallMs = options.stallMs
    const meter = new PacketMeter(maxPacketBytes)
    stream.on('data', chunk => {
      const verdict = meter.push(chunk)
      if (verdict !== 'ok') this.destroy(new Error(`packet ${verdict}`))
      else if (!this.push(chunk)) stream.pause()
    })
    stream.on('end', () => this.push(null))
    stream.on('error', error => this.destroy(error))
    stream.on('close', () => this.destroy())
  }

  override _read(): void {
    this.#stream.resume()
  }

  override _write(
    chunk: Buffer,
    _encoding: BufferEncoding,
    done: (error?: Error | null) => void,
  ): void {
    this.#send(chunk, done)
  }

  override _writev(
    chunks: readonly { readonly chunk: Buffer }[],
    done: (error?: Error | null) => void,
  ): void {
    this.#send(Buffer.concat(chunks.map(({ chunk }) => chunk)), done)
  }

  override _final(done: () => void): void {
    this.#stream.end(done)
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#stream.destroy()
    done(error)
  }

  #send(bytes: Buffer, done: (error?: Error | null) => void): void {
    const stalled = (): void => void this.destroy(new Error('reads nothing'))
    const cancel = this.#clock.after(this.#stallMs, stalled)
    this.#stream.write(bytes.subarray(0, SLICE_BYTES), error => {
      cancel()
      if (error || bytes.length <= SLICE_BYTES) done(error)
      else this.#send(bytes.subarray(SLICE_BYTES), done)
    })
  }
}
