import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { PacketMeter } from '../core/packet-meter.js'

/** A client's socket as the broker sees it: a packet beyond the limit ends it at the header. */
export class GuardedSocket extends Duplex {
  readonly #socket: Socket

  constructor(options: { readonly socket: Socket; readonly maxPacketBytes: number }) {
    super()
    const { socket, maxPacketBytes } = options
    this.#socket = socket
    const meter = new PacketMeter(maxPacketBytes)
    socket.on('data', chunk => {
      const verdict = meter.push(chunk)
      if (verdict !== 'ok') this.destroy(new Error(`packet ${verdict}`))
      else if (!this.push(chunk)) socket.pause()
    })
    socket.on('end', () => this.push(null))
    socket.on('error', error => this.destroy(error))
    socket.on('close', () => this.destroy())
  }

  override _read(): void {
    this.#socket.resume()
  }

  override _write(
    chunk: Buffer,
    _encoding: BufferEncoding,
    done: (error?: Error | null) => void,
  ): void {
    this.#socket.write(chunk, done)
  }

  override _writev(
    chunks: readonly { readonly chunk: Buffer }[],
    done: (error?: Error | null) => void,
  ): void {
    this.#socket.write(Buffer.concat(chunks.map(({ chunk }) => chunk)), done)
  }

  override _final(done: () => void): void {
    this.#socket.end(done)
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy()
    done(error)
  }
}
