import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** `pulled`: connections are cut and new ones refused. `stalled`: half open, no byte passes. */
export type LinkState = 'up' | 'pulled' | 'stalled'

export interface LinkFault {
  /** Where to connect instead of the target. */
  readonly port: number
  readonly state: LinkState
  /** Like a cable or a router that goes down: both ends see a reset. */
  pull(): void
  /** Like a firewall that forgot the connection: both ends believe in it, nothing arrives. */
  stall(): void
  /** Lets new connections through. Stalled ones are reset: they cannot be trusted any more. */
  restore(): void
  close(): Promise<void>
}

interface Pair {
  readonly near: Socket
  readonly far: Socket
}

/** A TCP proxy on loopback whose link can be made to fail at will. */
export async function openLinkFault(options: {
  readonly targetPort: number
  /** 0, the default, takes a free one. */
  readonly port?: number
}): Promise<LinkFault> {
  const pairs = new Set<Pair>()
  let state: LinkState = 'up'
  const server = createServer(near => {
    if (state === 'pulled') near.resetAndDestroy()
    else open(near)
  })
  const port = await listen(server, options.port ?? 0)
  return {
    port,
    get state() {
      return state
    },
    pull: () => {
      state = 'pulled'
      resetAll()
    },
    stall: () => {
      state = 'stalled'
      for (const pair of pairs) hold(pair)
    },
    restore: () => {
      if (state === 'stalled') resetAll()
      state = 'up'
    },
    close: async () => {
      resetAll()
      await new Promise<void>(resolve => server.close(() => resolve()))
    },
  }

  function open(near: Socket): void {
    const pair: Pair = { near, far: connect(options.targetPort, '127.0.0.1') }
    pairs.add(pair)
    const end = (): void => {
      pairs.delete(pair)
      near.destroy()
      pair.far.destroy()
    }
    for (const socket of [near, pair.far]) {
      socket.setNoDelay(true)
      socket.on('error', end)
      socket.on('close', end)
    }
    if (state === 'stalled') hold(pair)
    else join(pair)
  }

  function resetAll(): void {
    for (const { near, far } of pairs) {
      near.resetAndDestroy()
      far.resetAndDestroy()
    }
  }
}

function join({ near, far }: Pair): void {
  near.pipe(far)
  far.pipe(near)
}

function hold({ near, far }: Pair): void {
  near.unpipe(far).pause()
  far.unpipe(near).pause()
}

async function listen(server: Server, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  // A server that listens on TCP has an AddressInfo, not a path.
  return (server.address() as AddressInfo).port
}
