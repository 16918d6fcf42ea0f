import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { until } from './until.js'

const ACK = 0x06
const NAK = 0x15
const REPEAT_MS = 1_600

/** A terminal on TCP that the gateway calls, and that says what it is told to. */
export class TerminalServer {
  readonly #server: Server
  #line: Socket | undefined
  #acks = 0
  #naks = 0

  private constructor(server: Server) {
    this.#server = server
    server.on('connection', line => {
      this.#line = line
      line.on('error', () => undefined)
      line.on('data', bytes => {
        for (const byte of bytes) {
          if (byte === ACK) this.#acks += 1
          if (byte === NAK) this.#naks += 1
        }
      })
    })
  }

  static async listen(): Promise<TerminalServer> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new TerminalServer(server)
  }

  get port(): number {
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    return address.port
  }

  /** Bytes that nobody answers. */
  async send(bytes: Uint8Array): Promise<void> {
    await until('the gateway called', () => this.#line !== undefined)
    if (this.#line?.write(bytes) === false) await once(this.#line, 'drain')
  }

  /** A good frame, said again until it is answered: whether it was taken. */
  async deliver(frame: Uint8Array): Promise<boolean> {
    const before = { acks: this.#acks, naks: this.#naks }
    const isAnswered = () => this.#acks > before.acks || this.#naks > before.naks
    let saidMs = Number.NEGATIVE_INFINITY
    await until('an answer', async () => {
      if (isAnswered()) return true
      if (performance.now() - saidMs > REPEAT_MS) {
        saidMs = performance.now()
        await this.send(frame)
      }
      return isAnswered()
    })
    return this.#acks > before.acks
  }

  /** One that is said once: whether it was taken, or nothing where the gateway ends before that. */
  async offer(frame: Uint8Array, isOver: () => boolean): Promise<boolean | undefined> {
    const before = { acks: this.#acks, naks: this.#naks }
    const isAnswered = () => this.#acks > before.acks || this.#naks > before.naks
    this.#line?.write(frame)
    await until('an answer', () => isAnswered() || isOver())
    return isAnswered() ? this.#acks > before.acks : undefined
  }

  close(): void {
    this.#line?.destroy()
    this.#server.close()
  }
}
