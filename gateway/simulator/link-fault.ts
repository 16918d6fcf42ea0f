import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { systemClock } from '../core/clock.js'
import { abandon, Lane, type Pace, type Watch } from './link-lane.js'

/** `pulled`: connections are reset and new ones refused. `stalled`: no byte passes. */
export type LinkState = 'up' | 'pulled' | 'stalled'

/** A direction of a link: towards the target, or back from it. */
export type Way = 'there' | 'back'

interface Pair {
  readonly sockets: readonly [Socket, Socket]
  readonly lanes: Readonly<Record<Way, Lane>>
}

export interface LinkFaultOptions {
  /** A port of the loopback, or the path of a unix socket. */
  readonly target: number | string
  /** 0, the default, takes a free one. */
  readonly port?: number
  /** Called for both directions of each new connection. */
  readonly watch?: (way: Way) => Watch
}

/** A TCP proxy on loopback whose link can be made to fail at will. */
export class LinkFault {
  readonly #options: LinkFaultOptions
  readonly #pairs = new Set<Pair>()
  // Each direction ends by itself: only the lanes pass on that an end has gone.
  readonly #server = createServer({ allowHalfOpen: true, noDelay: true }, near => {
    if (this.#state === 'pulled') near.resetAndDestroy()
    else this.#open(near)
  })
  #state: LinkState = 'up'
  #pace: Pace = {}

  constructor(options: LinkFaultOptions) {
    this.#options = options
  }

  get state(): LinkState {
    return this.#state
  }

  /** Where to connect instead of the target. */
  get port(): number {
    // A server that listens on TCP has an AddressInfo, not a path.
    return (this.#server.address() as AddressInfo).port
  }

  async listen(): Promise<void> {
    this.#server.listen(this.#options.port ?? 0, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  /** Like a cable or a router that goes down: both ends see a reset, nobody gets through. */
  pull(): void {
    this.#state = 'pulled'
    this.cut()
  }

  /** Like a firewall that drops everything: all ends believe in their connections. */
  stall(): void {
    this.#state = 'stalled'
    for (const pair of this.#pairs) kill(pair, 'there', 'back')
  }

  /** Slows all connections down. */
  slow(pace: Pace): void {
    this.#pace = pace
  }

  /**
   * As new, at full speed. Connections that were stalled are reset: they cannot be trusted any
   * more.
   */
  restore(): void {
    if (this.#state === 'stalled') this.cut()
    this.#state = 'up'
    this.#pace = {}
  }

  /** Resets the connections of this moment; new ones pass. */
  cut(): void {
    for (const pair of this.#pairs) reset(pair)
  }

  /**
   * Like a router that forgot the connections of this moment for one direction: neither end is ever
   * told, not even that the other has gone. New ones pass.
   */
  halfOpen(dead: Way): void {
    for (const pair of this.#pairs) kill(pair, dead)
  }

  async close(): Promise<void> {
    this.cut()
    await new Promise<void>(resolve => this.#server.close(() => resolve()))
  }

  #open(near: Socket): void {
    const { target, watch = () => () => undefined } = this.#options
    const place =
      typeof target === 'string' ? { path: target } : { host: '127.0.0.1', port: target }
    const far = connect({ ...place, allowHalfOpen: true, noDelay: true })
    const common = { clock: systemClock, pace: () => this.#pace, reset: () => reset(pair) }
    const pair: Pair = {
      sockets: [near, far],
      lanes: {
        there: new Lane({ ...common, source: near, sink: far, watch: watch('there') }),
        back: new Lane({ ...common, source: far, sink: near, watch: watch('back') }),
      },
    }
    this.#pairs.add(pair)
    for (const socket of pair.sockets) {
      socket.on('error', () => undefined) // its lane notices
      socket.on('close', () => {
        if (near.destroyed && far.destroyed) this.#pairs.delete(pair)
      })
    }
    if (this.#state === 'stalled') kill(pair, 'there', 'back')
    void pair.lanes.there.carry()
    void pair.lanes.back.carry()
  }
}

/** A faulty link that listens. @throws what `listen` of node:net throws */
export async function openLinkFault(options: LinkFaultOptions): Promise<LinkFault> {
  const link = new LinkFault(options)
  await link.listen()
  return link
}

function kill({ lanes }: Pair, ...dead: readonly Way[]): void {
  for (const way of dead) lanes[way].die()
}

function reset({ sockets }: Pair): void {
  for (const socket of sockets) abandon(socket)
}
