import { once } from 'node:events'
import { createServer, connect as dial, type Server, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { concatBytes, equalBytes, fromHex, toHex } from '../../../gateway/core/bytes.js'
import { systemClock } from '../../../gateway/core/clock.js'
import { type Random, seededRandom } from '../../../gateway/core/random.js'
import { PrinterTap } from '../../../gateway/line/transport/printer-tap.js'
import { readVectors } from '../../../gateway/workbench/vectors/vector.js'
import { Reader } from '../../contract/transport.js'
import { until } from '../../support/until.js'

const SEED = 20_261_130
const host = '127.0.0.1'
const clock = systemClock

interface Job {
  readonly socket: Socket
  readonly heard: () => Uint8Array
  heardBytes: number
  isOver: boolean
}

function listenTo(socket: Socket): Job {
  const parts: Uint8Array[] = []
  const job: Job = { socket, heard: () => concatBytes(parts), heardBytes: 0, isOver: false }
  socket.on('data', bytes => {
    parts.push(bytes)
    job.heardBytes += bytes.length
  })
  socket.on('error', () => undefined)
  socket.on('end', () => {
    job.isOver = true
    // As printers close whoever only looked.
    if (job.heardBytes === 0) socket.end()
  })
  return job
}

/** A printer on a port, and the jobs that came. */
class FakePrinter {
  readonly jobs: Job[] = []
  #server: Server | undefined
  #port = 0

  get port(): number {
    return this.#port
  }

  async start(): Promise<void> {
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, socket =>
      this.jobs.push(listenTo(socket)),
    )
    this.#server.listen(this.#port, host)
    await once(this.#server, 'listening')
    const address = this.#server.address()
    this.#port = typeof address === 'object' ? (address?.port ?? 0) : 0
  }

  stop(): void {
    this.#server?.close()
    for (const { socket } of this.jobs) socket.destroy()
  }
}

async function rig(t: Test) {
  const printer = new FakePrinter()
  await printer.start()
  const tap = new PrinterTap({
    listen: { host, port: 0 },
    forward: { host, port: printer.port },
    clock,
  })
  const stopping = new AbortController()
  const connection = await tap.connect(stopping.signal)
  // The tap looks whether there is a printer, as a connection without a byte.
  await until('the look of the tap', () => printer.jobs.length === 1)
  printer.jobs.length = 0
  const port = Number(/:(\d+) to/.exec(tap.address)?.[1])
  const print = async (): Promise<Job> => {
    const socket = dial({ host, port, allowHalfOpen: true, noDelay: true })
    await once(socket, 'connect')
    return listenTo(socket)
  }
  t.teardown(() => {
    stopping.abort()
    printer.stop()
  })
  return { printer, tap, connection, port, print, signal: stopping.signal }
}

/** Receipts with images and codes, and bytes that mean nothing. */
async function streams(random: Random): Promise<readonly Uint8Array[]> {
  const vectors = await readVectors('test/fixtures/vectors/escpos.json')
  if (!vectors.ok) throw new Error(vectors.error)
  const real = vectors.value.map(({ hex }) => fromHex(hex))
  const noise = Array.from({ length: 8 }, () => random.bytes(1 + Math.floor(random.unit() * 9000)))
  return [...real, ...noise]
}

function send(socket: Socket, bytes: Uint8Array, random: Random): void {
  for (let at = 0, size = 0; at < bytes.length; at += size) {
    size = 1 + Math.floor(random.unit() * 700)
    socket.write(bytes.subarray(at, at + size))
  }
}

t.test(`every byte arrives unchanged, both ways, and is copied (seed ${SEED})`, async t => {
  const { printer, connection, print } = await rig(t)
  const reader = new Reader(connection)
  const random = seededRandom(SEED)
  const all = await streams(random)
  for (const [index, bytes] of all.entries()) {
    const till = await print()
    await until('the printer has the till', () => printer.jobs.length === index + 1)
    send(till.socket, bytes, random)
    await until('the printer has all', () => printer.jobs.at(-1)?.heardBytes === bytes.length)
    const job = printer.jobs.at(-1)
    if (job === undefined) throw new Error('no job')
    const answer = random.bytes(1 + Math.floor(random.unit() * 300))
    send(job.socket, answer, random)
    await until('the till has all', () => till.heard().length === answer.length)
    t.ok(equalBytes(job.heard(), bytes), `${bytes.length} bytes to the printer`)
    t.ok(equalBytes(till.heard(), answer), `${answer.length} bytes to the till`)
    till.socket.destroy()
  }
  const expected = concatBytes(all)
  await until('the copy is whole', () => reader.bytes.length === expected.length)
  t.ok(equalBytes(reader.bytes, expected), 'the copy')
})

t.test('a till that is done may still hear its printer', async t => {
  const { printer, print } = await rig(t)
  const till = await print()
  till.socket.end('receipt')
  await until('the printer knows', () => printer.jobs[0]?.isOver === true)
  t.equal(till.isOver, false)
  printer.jobs[0]?.socket.end(Uint8Array.of(0x12))
  await until('the till knows', () => till.isOver)
  t.equal(toHex(till.heard()), '12')
})

t.test('receipts of tills that print at once are copied one after the other', async t => {
  const { printer, connection, print } = await rig(t)
  const reader = new Reader(connection)
  const [first, second] = [await print(), await print()]
  first.socket.write('one ')
  await until('the first is heard', () => reader.bytes.length === 4)
  second.socket.end('two two ')
  await until('both are printed', () => {
    const heard = printer.jobs.map(job => job.heardBytes)
    return heard.includes(4) && heard.includes(8)
  })
  first.socket.end('one ')
  await until('both are copied', () => reader.bytes.length === 16)
  t.equal(Buffer.from(reader.bytes).toString(), 'one one two two ')
})

t.test('who does not read the copies loses them, and no receipt', async t => {
  const { tap, printer, connection, print, signal } = await rig(t)
  const till = await print()
  const bytes = seededRandom(SEED).bytes(900_000)
  till.socket.write(bytes)
  await until('all is printed', () => printer.jobs[0]?.heardBytes === bytes.length)
  t.ok(equalBytes(printer.jobs[0]?.heard() ?? bytes.subarray(1), bytes))
  t.equal(await new Reader(connection).end, 'TB_LINE_CLOSED')
  await connection.close()
  const again = new Reader(await tap.connect(signal))
  till.socket.write('more')
  await until('copies go on', () => again.bytes.length === 4)
  await t.rejects((await tap.connect(signal)).write(bytes), { code: 'TB_LINE_CLOSED' })
})

t.test('a printer that takes nothing holds the till up, and loses nothing', async t => {
  const { printer, print, connection } = await rig(t)
  let copied = 0
  const reading = (async () => {
    for await (const { bytes } of connection) copied += bytes.length
  })()
  const till = await print()
  await until('the printer has the till', () => printer.jobs.length === 1)
  const [job] = printer.jobs
  job?.socket.pause()
  const bytes = Buffer.alloc(24_000_000, seededRandom(SEED).bytes(100_003))
  till.socket.write(bytes)
  let before = 0
  await until('the till is held up', async () => {
    const isStill = copied === before && copied > 0
    before = copied
    await clock.sleep(100)
    return isStill
  })
  t.ok(copied < bytes.length, `${copied} bytes were taken off the till`)
  job?.socket.resume()
  await until('all is printed', () => job?.heardBytes === bytes.length)
  t.ok(bytes.equals(job?.heard() ?? Uint8Array.of()))
  await connection.close()
  await reading
})

t.test(
  'an offline printer: the till is refused, the reason is known, and it comes back',
  async t => {
    const { tap, printer, connection, port, print, signal } = await rig(t)
    const reader = new Reader(connection)
    printer.stop()
    const lost = await print()
    await new Promise(resolve => lost.socket.once('close', resolve))
    t.equal(await reader.end, 'TB_LINE_CLOSED')
    await connection.close()
    const refused = dial({ host, port })
    const error = await new Promise(resolve => refused.once('error', resolve))
    t.match(error, { code: 'ECONNREFUSED' })
    await t.rejects(tap.connect(signal), { code: 'TB_LINE_UNAVAILABLE' })
    await printer.start()
    const again = new Reader(await tap.connect(signal))
    const till = await print()
    till.socket.write('back')
    await until('copies go on', () => again.bytes.length === 4)
  },
)
