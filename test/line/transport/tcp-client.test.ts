import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import t from 'tap'
import { concatBytes } from '../../../gateway/core/bytes.js'
import { systemClock } from '../../../gateway/core/clock.js'
import { TcpClient } from '../../../gateway/line/transport/tcp-client.js'
import { Reader, type Rig, transportContract } from '../../contract/transport.js'
import { until } from '../../support/until.js'

const signal = new AbortController().signal
const host = '127.0.0.1'

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

async function listening(accept: (socket: Socket) => void): Promise<Server> {
  const server = createServer(accept)
  server.listen(0, host)
  await once(server, 'listening')
  return server
}

async function createRig(): Promise<Rig> {
  const received: Uint8Array[] = []
  let socket: Socket | undefined
  const server = await listening(accepted => {
    socket = accepted
    accepted.on('data', bytes => received.push(bytes))
    accepted.on('error', () => undefined) // A reset is one way for a test to end.
  })
  const transport = new TcpClient({ host, port: portOf(server), clock: systemClock })
  return {
    transport,
    connect: async () => {
      socket = undefined
      const connection = await transport.connect(signal)
      await until('accepted', () => socket !== undefined)
      return connection
    },
    send: bytes => void socket?.write(bytes),
    received: () => concatBytes(received),
    lose: () => void socket?.resetAndDestroy(),
    restore: async () => undefined,
    dispose: async () => {
      socket?.destroy()
      server.close()
    },
  }
}

transportContract(t, createRig)

t.test('a device that hangs up in good order is a loss, too', async t => {
  const server = await listening(socket => void socket.end('bye'))
  const transport = new TcpClient({ host, port: portOf(server), clock: systemClock })
  const connection = await transport.connect(signal)
  const reader = new Reader(connection)
  t.equal(await reader.end, 'TB_LINE_CLOSED')
  t.equal(new TextDecoder().decode(reader.bytes), 'bye')
  await connection.close()
  server.close()
})

t.test('nobody there, or no answer in time, is unavailable', async t => {
  const server = await listening(() => undefined)
  const port = portOf(server)
  const hasty = {
    ...systemClock,
    after: (_ms: number, callback: () => void) => {
      callback()
      return () => undefined
    },
  }
  const slow = new TcpClient({ host, port, clock: hasty })
  await t.rejects(slow.connect(signal), {
    code: 'TB_LINE_UNAVAILABLE',
    message: /no answer within/,
  })
  server.close()
  await once(server, 'close')
  const refused = new TcpClient({ host, port, clock: systemClock })
  await t.rejects(refused.connect(signal), { code: 'TB_LINE_UNAVAILABLE', message: /ECONNREFUSED/ })
  t.equal(refused.address, `${host}:${port}`)
})

t.test('a device that takes no bytes is given up, and gets no late ones', async t => {
  let socket: Socket | undefined
  const server = await listening(accepted => {
    socket = accepted.pause()
    accepted.on('error', () => undefined) // It is reset in the middle of a write.
  })
  const after = (ms: number, callback: () => void) => systemClock.after(ms / 20, callback)
  const clock = { ...systemClock, after }
  const connection = await new TcpClient({ host, port: portOf(server), clock }).connect(signal)
  const reader = new Reader(connection)
  const bytes = new Uint8Array(64 * 1024 * 1024)
  await t.rejects(connection.write(bytes), { code: 'TB_LINE_CLOSED' })
  t.equal(await reader.end, 'TB_LINE_CLOSED')
  let received = 0
  socket?.on('data', late => {
    received += late.length
  })
  socket?.resume()
  if (socket !== undefined) await once(socket, 'close')
  t.ok(received < bytes.length / 2, `${received} bytes, which were on their way`)
  await connection.close()
  server.close()
})

t.test('a device that sends faster than it is read is slowed down, and loses nothing', async t => {
  const bytes = new Uint8Array(4 * 1024 * 1024).fill(0x41)
  let socket: Socket | undefined
  const server = await listening(accepted => {
    socket = accepted
    accepted.write(bytes)
  })
  const connection = await new TcpClient({
    host,
    port: portOf(server),
    clock: systemClock,
  }).connect(signal)
  await until('the sender waits', () => (socket?.writableLength ?? 0) > 0)
  let got = 0
  for await (const chunk of connection) {
    got += chunk.bytes.length
    if (got === bytes.length) break
  }
  t.equal(got, bytes.length)
  await connection.close()
  server.close()
})
