import { Duplex } from 'node:stream'
import { PacketMeter } from '../core/packet-meter.js'

/**
 * A client's stream as the broker sees it. A packet beyond the limit ends it at its header; what it
 * does not read waits here up to `queueBytes`, and only then is the broker told to wait.
 */
export class GuardedSocket extends Duplex {
  readonly #stream: Duplex

  constructor(options: {
    readonly stream: Duplex
    readonly maxPacketBytes: number
    readonly queueBytes: number
  }) {
    super({ writableHighWaterMark: options.queueBytes })
    const { stream, maxPacketBytes } = options
    this.#stream = stream
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
    this.#stream.write(chunk, done)
  }

  override _writev(
    chunks: readonly { readonly chunk: Buffer }[],
    done: (error?: Error | null) => void,
  ): void {
    this.#stream.write(Buffer.concat(chunks.map(({ chunk }) => chunk)), done)
  }

  override _final(done: () => void): void {
    this.#stream.end(done)
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#stream.destroy()
    done(error)
  }
}
