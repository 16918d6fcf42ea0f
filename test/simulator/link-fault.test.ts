import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { type LinkFault, openLinkFault } from '../../gateway/simulator/link-fault.js'

/** An echo behind a faulty link. */
async function echoBehindLink(t: Test): Promise<{
  readonly link: LinkFault
  readonly heard: readonly Buffer[]
  readonly port: number
}> {
  const heard: Buffer[] = []
  const server = createServer(socket => {
    socket.on('error', () => undefined) // the link resets it
    socket.on('data', bytes => {
      heard.push(bytes)
      socket.write(bytes)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A server that listens on TCP has an AddressInfo, not a path.
  const { port } = server.address() as AddressInfo
  const link = await openLinkFault({ targetPort: port })
  t.teardown(async () => {
    await link.close()
    server.close()
  })
  return { link, heard, port }
}

function client(t: Test, { port }: { readonly port: number }): Socket {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined) // 'close' tells
  t.teardown(() => socket.destroy())
  return socket
}

/** Unlike events.once, it takes a reset for what it is. */
function closed(socket: Socket): Promise<void> {
  return new Promise(resolve => socket.once('close', () => resolve()))
}

async function echoes(socket: Socket, word: string): Promise<void> {
  const answer = once(socket, 'data')
  socket.write(word)
  const [bytes] = await answer
  if (String(bytes) !== word) throw new Error(`${bytes} came for ${word}`)
}

t.test('bytes pass; a pulled link cuts them off; a restored one lets them through', async t => {
  const { link } = await echoBehindLink(t)
  const first = client(t, link)
  await echoes(first, 'one')
  const cut = closed(first)
  link.pull()
  await cut
  t.equal(link.state, 'pulled')
  await closed(client(t, link))
  link.restore()
  await echoes(client(t, link), 'two')
})

t.test('a stalled link keeps connections and passes nothing', async t => {
  const { link, heard, port } = await echoBehindLink(t)
  const first = client(t, link)
  await echoes(first, 'one')
  link.stall()
  first.write('into the void')
  const second = client(t, link)
  await once(second, 'connect')
  second.write('also')
  // By the time another connection's bytes went round, theirs would have arrived.
  await echoes(client(t, { port }), '-')
  await echoes(client(t, { port }), '-')
  t.notOk(first.destroyed)
  const cut = Promise.all([closed(first), closed(second)])
  link.restore()
  await cut
  await echoes(client(t, link), 'two')
  t.equal(Buffer.concat(heard).toString(), 'one--two')
})
