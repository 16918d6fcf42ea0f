import { connect, createServer, type Server, type Socket } from 'node:net'
import type { Clock } from '../../core/clock.js'
import { messageOf, TillbridgeError } from '../../core/errors.js'
import { ChunkQueue } from './chunk-queue.js'
import { CopyOrder } from './copy-order.js'
import { lineError, stopped } from './line-error.js'
import { TcpClient } from './tcp-client.js'
import type { Connection, Transport } from './transport.js'

interface NetworkAddress {
  readonly host: string
  /** Of `listen` 0 lets the system choose; `address` names its choice from then on. */
  readonly port: number
}

export interface PrinterTapOptions {
  readonly listen: NetworkAddress
  readonly forward: NetworkAddress
  readonly clock: Clock
}

const CONNECT_MS = 5000

/**
 * A network printer that stands in front of the real one. Each till that connects gets a connection
 * of its own to the printer, and every byte goes on unchanged, both ways, end by end; whoever reads
 * the tap gets a copy of what tills say, and never holds them up. Where copies are not read in
 * time they are lost, and the reader is told; printing goes on.
 * While the printer cannot be reached nobody is listened to: tills are refused as by the printer.
 */
export class PrinterTap implements Transport {
  readonly #options: PrinterTapOptions
  readonly #order: CopyOrder<Socket>
  readonly #tills = new Set<Socket>()
  #server: Server | undefined
  #boundPort: number | undefined
  /** Absent: nobody reads, and copies go nowhere. */
  #copy: ChunkQueue | undefined

  constructor(options: PrinterTapOptions) {
    this.#options = options
    const { clock } = options
    const sink = {
      push: (bytes: Uint8Array) => this.#copy?.push(bytes),
      endSender: () => this.#copy?.endSender(),
      lose: (reason: string) => this.#copy?.lose(reason),
    }
    this.#order = new CopyOrder({ clock, sink })
  }

  get address(): string {
    const { listen, forward } = this.#options
    return `${listen.host}:${this.#boundPort ?? listen.port} to ${forward.host}:${forward.port}`
  }

  /** Once the printer answers. Closing the connection ends the copies, and no print job. */
  async connect(signal: AbortSignal): Promise<Connection> {
    if (signal.aborted) throw stopped(this.address)
    if (this.#server === undefined) {
      await this.#reachPrinter(signal)
      await this.#listen(signal)
    }
    const { clock } = this.#options
    const copy = new ChunkQueue({ clock })
    this.#copy = copy
    return {
      write: async () => {
        throw new TillbridgeError('TB_LINE_CLOSED', `${this.address}: a tap never writes`)
      },
      close: async () => {
        copy.close()
        if (this.#copy === copy) this.#copy = undefined
      },
      [Symbol.asyncIterator]: () => copy[Symbol.asyncIterator](),
    }
  }

  async #reachPrinter(signal: AbortSignal): Promise<void> {
    const { forward, clock } = this.#options
    const printer = new TcpClient({ ...forward, clock, connectTimeoutMs: CONNECT_MS })
    const connection = await printer.connect(signal)
    await connection.close()
  }

  #listen(signal: AbortSignal): Promise<void> {
    const { host, port } = this.#options.listen
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true })
    return new Promise((resolve, reject) => {
      server.on('error', error => reject(lineError(this.address, error)))
      server.on('connection', till => this.#accept(till))
      server.listen({ host, port: this.#boundPort ?? port }, () => {
        const bound = server.address()
        this.#boundPort = typeof bound === 'object' ? bound?.port : undefined
        if (signal.aborted) {
          server.close()
          reject(stopped(this.address))
          return
        }
        this.#server = server
        signal.addEventListener('abort', () => this.#stop(), { once: true })
        resolve()
      })
    })
  }

  #accept(till: Socket): void {
    const { forward, clock } = this.#options
    const printer = connect({ ...forward, allowHalfOpen: true, noDelay: true })
    this.#tills.add(till)
    const cancelTimeout = clock.after(CONNECT_MS, () =>
      printer.destroy(new Error(`no answer within ${CONNECT_MS} ms`)),
    )
    const refuse = (error: Error): void => {
      till.resetAndDestroy()
      this.#printerGone(messageOf(error))
    }
    printer.once('error', refuse)
    printer.once('connect', () => {
      cancelTimeout()
      printer.off('error', refuse)
      this.#join(till, printer)
    })
    printer.once('close', cancelTimeout)
    till.on('error', () => printer.destroySoon())
    till.once('close', () => {
      this.#tills.delete(till)
      this.#order.finished(till)
    })
  }

  /** `pipe` comes first in each direction: a byte is on its way before it is looked at. */
  #join(till: Socket, printer: Socket): void {
    printer.on('error', () => till.resetAndDestroy())
    till.once('close', () => printer.destroySoon())
    printer.once('close', () => till.destroySoon())
    printer.pipe(till)
    till.pipe(printer)
    till.on('data', bytes => this.#order.heard(till, bytes))
    till.once('end', () => this.#order.finished(till))
    if (till.destroyed) printer.destroySoon()
  }

  #printerGone(reason: string): void {
    const { host, port } = this.#options.forward
    this.#server?.close()
    this.#server = undefined
    this.#copy?.lose(`the printer at ${host}:${port} is offline: ${reason}`)
  }

  #stop(): void {
    this.#server?.close()
    this.#server = undefined
    for (const till of this.#tills) till.destroySoon()
  }
}
