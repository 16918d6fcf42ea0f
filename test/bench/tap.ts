import { once } from 'node:events'
import { createServer, connect as dial, type Socket } from 'node:net'
import { systemClock } from '../../gateway/core/clock.js'
import { PrinterTap } from '../../gateway/line/transport/printer-tap.js'
import { readVectors } from '../../gateway/workbench/vectors/vector.js'
import { say, sayRatio, sayTimes } from './report.js'

const REQUESTS = 5_000
const RECEIPTS = 500
const WARM_UP = 500
const REQUEST = Uint8Array.of(0x10, 0x04, 0x01)
/** What only a reply can be. */
const REPLY = Uint8Array.of(0x12)
const host = '127.0.0.1'

/** A printer that answers once it has as many bytes as it was told to expect. */
async function startPrinter() {
  let expectedBytes = REQUEST.length
  const server = createServer({ noDelay: true }, socket => {
    let bytes = 0
    socket.on('data', chunk => {
      bytes += chunk.length
      if (bytes < expectedBytes) return
      bytes = 0
      socket.write(REPLY)
    })
    socket.on('error', () => undefined)
  })
  server.listen(0, host)
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0
  const expect = (count: number): void => {
    expectedBytes = count
  }
  return { port, expect, close: () => server.close() }
}

async function till(port: number): Promise<Socket> {
  const socket = dial({ host, port, noDelay: true })
  await once(socket, 'connect')
  return socket
}

async function roundTrip(socket: Socket, bytes: Uint8Array): Promise<number> {
  const startMs = performance.now()
  socket.write(bytes)
  await once(socket, 'data')
  return performance.now() - startMs
}

/** Each way in turn, so that both meet the same machine. */
async function compare(options: {
  readonly direct: Socket
  readonly tapped: Socket
  readonly bytes: Uint8Array
  readonly times: number
}): Promise<{ readonly direct: readonly number[]; readonly tapped: readonly number[] }> {
  const { bytes, times } = options
  const direct: number[] = []
  const tapped: number[] = []
  for (let index = 0; index < times + WARM_UP; index += 1) {
    const directMs = await roundTrip(options.direct, bytes)
    const tappedMs = await roundTrip(options.tapped, bytes)
    if (index < WARM_UP) continue
    direct.push(directMs)
    tapped.push(tappedMs)
  }
  return { direct, tapped }
}

function report(what: string, series: Awaited<ReturnType<typeof compare>>): void {
  const direct = sayTimes(`${what}, straight to the printer`, series.direct)
  const tapped = sayTimes(`${what}, through the tap`, series.tapped)
  const added = (of: 'p50' | 'p99'): string => (tapped[of] - direct[of]).toFixed(2)
  say(`${`  ${what}, added by the tap`.padEnd(55)}p50 ${added('p50')} ms  p99 ${added('p99')} ms`)
  sayRatio(`${what}, p50`, tapped.p50 / direct.p50, { atMost: 4 })
}

/**
 * What the tap adds to a printer's answer: to a status request of three bytes, and to a whole
 * receipt with a logo. The copies are read, as the gateway does; till and printer share its process.
 */
export async function benchTap(): Promise<void> {
  const printer = await startPrinter()
  const tap = new PrinterTap({
    listen: { host, port: 0 },
    forward: { host, port: printer.port },
    clock: systemClock,
  })
  const stopping = new AbortController()
  const connection = await tap.connect(stopping.signal)
  let copiedBytes = 0
  const copying = (async () => {
    for await (const { bytes } of connection) copiedBytes += bytes.length
  })()
  const direct = await till(printer.port)
  const tapped = await till(Number(/:(\d+) to/.exec(tap.address)?.[1]))
  const vectors = await readVectors('test/fixtures/vectors/escpos.json')
  const [logo] = vectors.ok ? vectors.value : []
  if (logo === undefined) throw new Error('the receipt with a logo is gone')
  const receipt = Buffer.from(logo.hex, 'hex')
  say(`${REQUESTS} status requests and ${RECEIPTS} receipts of ${receipt.length} bytes`)
  report('status request', await compare({ direct, tapped, bytes: REQUEST, times: REQUESTS }))
  printer.expect(receipt.length)
  report('receipt', await compare({ direct, tapped, bytes: receipt, times: RECEIPTS }))
  direct.destroy()
  tapped.destroy()
  stopping.abort()
  await connection.close()
  await copying
  say(`  ${copiedBytes} bytes were copied`)
  printer.close()
}
