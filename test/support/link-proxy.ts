import { once } from 'node:events'
import { connect as connectTcp, createServer, type Server, type Socket } from 'node:net'

/**
 * A TCP link that can be broken as networks break: cut (both ends see it close), or gone silent
 * (half-open: nothing passes, nobody is told).
 */
export class LinkProxy {
  readonly #target: () => number
  readonly #sockets = new Set<Socket>()
  #server: Server | undefined
  #port = 0
  #isSilent = false

  /** `target` is asked for the port at each connection. */
  constructor(target: () => number) {
    this.#target = target
  }

  get port(): number {
    return this.#port
  }

  async start(): Promise<void> {
    const server = createServer(client => this.#join(client))
    server.listen(this.#port, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    if (address !== null && typeof address !== 'string') this.#port = address.port
    this.#server = server
  }

  /** From now on nothing passes, on old connections and new; bytes are lost. */
  silence(): void {
    this.#isSilent = true
  }

  /** New connections pass again; those that lived through the silence stay dead, as behind a NAT. */
  heal(): void {
    this.#isSilent = false
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async stop(): Promise<void> {
    this.cut()
    const server = this.#server
    if (server === undefined) return
    server.close()
    await once(server, 'close')
  }

  #join(client: Socket): void {
    const server = connectTcp(this.#target(), '127.0.0.1')
    let isDead = this.#isSilent
    const pass = (from: Socket, to: Socket): void => {
      this.#sockets.add(from)
      from.on('data', bytes => {
        isDead ||= this.#isSilent
        if (!isDead) to.write(bytes)
      })
      from.on('error', () => undefined)
      from.on('close', () => {
        this.#sockets.delete(from)
        if (!isDead) to.destroy()
      })
    }
    pass(client, server)
    pass(server, client)
  }
}
