import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { Clock } from '../../core/clock.js'
import { raceTimeout } from './race-timeout.js'

export interface TcpAddress {
  readonly host: string
  readonly port: number
}

const ANSWER_MS = 5000

/** Opens a connection and closes it. @throws Error where nobody answers */
export async function tryConnect(address: TcpAddress, clock: Clock): Promise<void> {
  const socket = connect(address)
  try {
    await raceTimeout({ promise: once(socket, 'connect'), clock, ms: ANSWER_MS })
  } finally {
    socket.on('error', () => undefined).destroy()
  }
}

/** Listens and stops. @throws Error where the port is in use, or is none of this machine */
export async function tryListen(address: TcpAddress): Promise<void> {
  const server = createServer().listen({ ...address, exclusive: true })
  await once(server, 'listening')
  server.close()
  await once(server, 'close')
}
