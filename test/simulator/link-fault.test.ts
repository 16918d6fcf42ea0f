import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { type LinkFault, openLinkFault, type Way } from '../../gateway/simulator/link-fault.js'
import type { Watch } from '../../gateway/simulator/link-lane.js'
import { LinkTrap } from '../support/link-trap.js'
import { until } from '../support/until.js'

/** An echo behind a faulty link. */
async function echoBehindLink(
  t: Test,
  watch: (way: Way) => Watch = () => () => undefined,
): Promise<{
  readonly link: LinkFault
  readonly heard: readonly Buffer[]
  readonly port: number
  readonly peers: readonly Socket[]
}> {
  const heard: Buffer[] = []
  const peers: Socket[] = []
  const server = createServer(socket => {
    peers.push(socket)
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
  const link = await openLinkFault({ target: port, watch })
  t.teardown(async () => {
    await link.close()
    server.close()
  })
  return { link, heard, port, peers }
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

t.test('a cut link resets what stands; new connections pass', async t => {
  const { link } = await echoBehindLink(t)
  const first = client(t, link)
  await echoes(first, 'one')
  const cut = closed(first)
  link.cut()
  await cut
  await echoes(client(t, link), 'two')
})

t.test('half open there: nothing arrives, what comes back does, nobody is told', async t => {
  const { link, heard, port, peers } = await echoBehindLink(t)
  const first = client(t, link)
  await echoes(first, 'one')
  link.halfOpen('there')
  first.write('into the void')
  const [peer] = peers
  const answer = once(first, 'data')
  peer?.write('still here')
  t.equal(String((await answer)[0]), 'still here')
  const isGone = closed(first)
  first.destroy()
  await isGone
  await echoes(client(t, link), 'two')
  await echoes(client(t, { port }), '-')
  t.equal(peer?.destroyed, false, 'the other end still believes in it')
  t.equal(Buffer.concat(heard).toString(), 'onetwo-')
})

t.test('half open back: what is said arrives, and so does the end', async t => {
  const { link, heard, peers } = await echoBehindLink(t)
  const first = client(t, link)
  await echoes(first, 'one')
  link.halfOpen('back')
  let answers = 0
  first.on('data', () => {
    answers += 1
  })
  first.write('said')
  await until('it arrives', () => heard.length === 2)
  first.end()
  await until('the other end knows', () => peers[0]?.destroyed === true)
  t.equal(answers, 0)
  await echoes(client(t, link), 'two')
})

t.test('a slow link lets so many bytes through, and lets them wait', async t => {
  const { link } = await echoBehindLink(t)
  const first = client(t, link)
  await echoes(first, '-')
  link.slow({ bytesPerSecond: 1000 })
  const fromMs = performance.now()
  let came = 0
  first.on('data', bytes => {
    came += bytes.length
  })
  first.write(Buffer.alloc(300))
  await until('the slow echo', () => came === 300)
  const tookMs = performance.now() - fromMs
  t.ok(tookMs > 290, `300 bytes at 1000 a second: ${tookMs} ms`)
  link.slow({ delayMs: 100 })
  const lateMs = performance.now()
  first.write('late')
  await until('the late echo', () => came === 304)
  t.ok(performance.now() - lateMs > 190)
  link.slow({ delayMs: 3_600_000 })
  link.restore()
  first.write('quick')
  await until('the echo of a restored link does not wait', () => came === 309)
})

t.test('a watch breaks a connection in the middle of what it waits for', async t => {
  const trap = new LinkTrap(() => bytes => {
    const found = Buffer.from(bytes).indexOf('fragile')
    return found < 0 ? undefined : found
  })
  const { link } = await echoBehindLink(t, trap.watch)
  const first = client(t, link)
  await echoes(first, 'fragile')
  trap.set('back', 4)
  let came = ''
  first.on('data', bytes => {
    came += bytes
  })
  const isCut = closed(first)
  first.write('so fragile')
  await isCut
  t.equal(came, 'so frag')
  t.equal(trap.sprung, 1)
  await echoes(client(t, link), 'fragile')
})
