import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, connect as dial } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { concatBytes, equalBytes } from '../../gateway/core/bytes.js'
import { systemClock } from '../../gateway/core/clock.js'
import { seededRandom } from '../../gateway/core/random.js'
import type { Event, EventOf } from '../../gateway/event/event.js'
import { PrinterTap } from '../../gateway/line/transport/printer-tap.js'
import { SerialPortTransport } from '../../gateway/line/transport/serial-port.js'
import { ReceiptRegister } from '../../gateway/simulator/receipt-register.js'
import { SocatLine } from '../support/socat-line.js'
import { until } from '../support/until.js'
import { dialectOf, type SessionUnderTest, startSession } from './shop.js'

const SEED = 7
const PROFILE = 'generic/esc-pos-register'
const clock = systemClock

function completed(events: readonly Event[]): readonly EventOf<'sale.completed'>[] {
  return events.flatMap(event => (event.type === 'sale.completed' ? [event] : []))
}

function captured(events: readonly Event[]): readonly string[] {
  return events.flatMap(event => (event.type === 'receipt.captured' ? [event.data.kind] : []))
}

/** A register that prints onto this line until it has sold so many. */
async function printOn(
  write: (bytes: Uint8Array) => Promise<void>,
  wanted: number,
): Promise<ReceiptRegister> {
  const register = new ReceiptRegister({
    line: { write, onData: () => () => undefined },
    dialect: await dialectOf(PROFILE, '1'),
    clock,
    random: seededRandom(SEED),
    pauseMs: () => 1,
    seed: SEED,
  })
  const stopping = new AbortController()
  const running = register.run(stopping.signal)
  await until('enough was sold', () => register.sold.length >= wanted)
  stopping.abort()
  await running
  return register
}

/** What the register sold is what the journal says, once each. */
async function judge(
  t: Tap,
  { shop, register }: { readonly shop: SessionUnderTest; readonly register: ReceiptRegister },
): Promise<void> {
  const sold = register.sold.map(({ receiptNumber, totalMinor }) => [receiptNumber, totalMinor])
  await until('every sale is journaled', async () => {
    return completed(await shop.events()).length >= sold.length
  })
  await shop.stop()
  const events = await shop.events()
  t.strictSame(
    completed(events).map(({ data }) => [data.receiptNumber, data.totalMinor]),
    sold,
  )
  const kinds = new Set(captured(events))
  for (const kind of ['sale', 'reprint', 'training', 'x-report', 'kitchen'])
    t.ok(kinds.has(kind), `a receipt of kind ${kind} was captured`)
  t.ok(!kinds.has('drawer'), 'each pulse belongs to a receipt')
  t.strictSame(
    events.filter(({ type }) => type === 'frame.rejected'),
    [],
  )
}

type Tap = Pick<typeof t, 'strictSame' | 'ok'>

t.test(
  `a register on a serial line: each sale once, and nothing else a sale (seed ${SEED})`,
  async t => {
    const folder = mkdtempSync(join(tmpdir(), 'tillbridge-receipts-'))
    const path = join(folder, 'printer')
    const line = await SocatLine.open(path)
    t.teardown(async () => {
      await line.gone()
      rmSync(folder, { recursive: true })
    })
    const settings = { baudRate: 38400, dataBits: 8, parity: 'none', stopBits: 1 } as const
    const transport = new SerialPortTransport({ path, ...settings, clock })
    const shop = await startSession(t, { profile: PROFILE, transport })
    await until('connected', () => shop.session.status.state === 'connected')
    const register = await printOn(async bytes => line.send(bytes), 25)
    await judge(t, { shop, register })
    t.strictSame(line.received, new Uint8Array(0), 'a tap never speaks')
  },
)

t.test('a register that calls its network printer for each receipt', async t => {
  const jobs: Uint8Array[] = []
  const printer = createServer(socket => socket.on('data', bytes => jobs.push(bytes)))
  printer.listen(0, '127.0.0.1')
  await once(printer, 'listening')
  t.teardown(() => printer.close())
  const address = printer.address()
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0
  const host = '127.0.0.1'
  const transport = new PrinterTap({ listen: { host, port: 0 }, forward: { host, port }, clock })
  const shop = await startSession(t, { profile: PROFILE, transport })
  await until('connected', () => shop.session.status.state === 'connected')
  const tapPort = Number(/:(\d+) to/.exec(transport.address)?.[1])
  const sent: Uint8Array[] = []
  let job: Uint8Array[] = []
  const register = await printOn(async bytes => {
    job.push(bytes)
    const isWhole = endsInCut(bytes) || bytes.length < 10
    if (!isWhole) return
    const whole = concatBytes(job)
    job = []
    sent.push(whole)
    const socket = dial(tapPort, host)
    socket.end(whole)
    socket.resume()
    await once(socket, 'close')
  }, 25)
  t.ok(equalBytes(concatBytes(jobs), concatBytes(sent)), 'all was printed as it was sent')
  await judge(t, { shop, register })
})

function endsInCut(bytes: Uint8Array): boolean {
  return equalBytes(bytes.subarray(-3), Uint8Array.of(0x1d, 0x56, 0))
}

t.test('a receipt without a cut is there when its till hangs up', async t => {
  const shop = await startSession(t, { profile: PROFILE })
  await until('connected', () => shop.session.status.state === 'connected')
  await shop.till.send(Buffer.from('Angebot der Woche\n', 'latin1'))
  await until('it came', () => shop.session.status.framesTotal === 1)
  await shop.stop()
  t.strictSame(captured(await shop.events()), ['other'])
})

t.test('a card number on a receipt ends at the decoder', async t => {
  const shop = await startSession(t, { profile: PROFILE })
  await until('connected', () => shop.session.status.state === 'connected')
  const text = 'CARD SLIP\nCard 4111 1111 1111 1111\nApproved'
  await shop.till.send(shop.dialect.encode('receipt', { text, drawer: true }))
  await until('it was captured', async () => captured(await shop.events()).length === 1)
  const [event] = (await shop.events()).filter(({ type }) => type === 'receipt.captured')
  t.notMatch(JSON.stringify(event), /4111 1111 1111 1111/)
  t.match(JSON.stringify(event), /4111 11\*\* \*\*\*\* 1111/)
})
