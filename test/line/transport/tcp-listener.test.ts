import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import t from 'tap'
import { concatBytes } from '../../../gateway/core/bytes.js'
import { systemClock } from '../../../gateway/core/clock.js'
import { TcpListener } from '../../../gateway/line/transport/tcp-listener.js'
import { type Rig, transportContract } from '../../contract/transport.js'
import { until } from '../../support/until.js'

const signal = new AbortController().signal
const host = '127.0.0.1'

/** The port a listener was given by the system, once it listens. */
async function portOf(listener: TcpListener): Promise<number> {
  const port = (): number => Number(listener.address.split(':').at(-1))
  await until('listening', () => port() !== 0)
  return port()
}

async function createRig(): Promise<Rig> {
  const transport = new TcpListener({ host, port: 0, clock: systemClock })
  const received: Uint8Array[] = []
  let socket: Socket | undefined
  return {
    transport,
    connect: async () => {
      const before = transport.address
      const connecting = transport.connect(signal)
      await until('listening', () => transport.address !== before)
      socket = connect({ host, port: await portOf(transport) })
      socket.on('data', bytes => received.push(bytes))
      return connecting
    },
    send: bytes => void socket?.write(bytes),
    received: () => concatBytes(received),
    lose: () => void socket?.resetAndDestroy(),
    restore: async () => undefined,
    dispose: async () => void socket?.destroy(),
  }
}

transportContract(t, createRig)

t.test('one client at a time: another is closed, the first stays', async t => {
  const listener = new TcpListener({ host, port: 0, clock: systemClock })
  const connecting = listener.connect(signal)
  const port = await portOf(listener)
  const first = connect({ host, port })
  const connection = await connecting
  const second = connect({ host, port })
  second.resume()
  await once(second, 'close')
  await connection.write(Uint8Array.of(6))
  const [answer] = await once(first, 'data')
  t.same(new Uint8Array(answer), Uint8Array.of(6))
  await connection.close()
  first.destroy()
})

t.test('a client from elsewhere is closed, and the right one is waited for', async t => {
  const allowedAddresses = ['127.0.0.3']
  const listener = new TcpListener({ host: '::', port: 0, clock: systemClock, allowedAddresses })
  const connecting = listener.connect(signal)
  const port = await portOf(listener)
  const stranger = connect({ host, port, localAddress: '127.0.0.2' })
  stranger.resume()
  await once(stranger, 'close')
  const known = connect({ host, port, localAddress: '127.0.0.3' })
  const connection = await connecting
  const heard = once(known, 'data')
  await connection.write(Uint8Array.of(6))
  t.ok(await heard)
  await connection.close()
  known.destroy()
})

t.test('a port that is taken is busy; an aborted wait gives it back', async t => {
  const abort = new AbortController()
  const first = new TcpListener({ host, port: 0, clock: systemClock })
  const connecting = first.connect(abort.signal)
  const port = await portOf(first)
  const second = new TcpListener({ host, port, clock: systemClock })
  await t.rejects(second.connect(signal), { code: 'TB_LINE_BUSY' })
  abort.abort()
  await t.rejects(connecting, { code: 'TB_LINE_UNAVAILABLE' })
  const again = second.connect(signal)
  const client = await connected(port)
  const connection = await again
  await connection.close()
  client.destroy()
})

/** A client on the port, as soon as somebody listens there. */
async function connected(port: number): Promise<Socket> {
  const attempts: Socket[] = []
  await until('somebody listens', async () => {
    const socket = connect({ host, port })
    attempts.push(socket)
    return once(socket, 'connect').then(
      () => true,
      () => false,
    )
  })
  const [last] = attempts.slice(-1)
  if (last === undefined) throw new Error('no attempt')
  return last
}
