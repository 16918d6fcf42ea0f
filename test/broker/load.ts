import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect as connectTcp, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../gateway/core/clock.js'
import { journalPaths } from '../../gateway/journal/journal-folder.js'
import { SupervisedProcess } from '../../gateway/simulator/supervised-process.js'
import { journalIn } from '../journal/open.js'
import { freePort } from '../support/mosquitto.js'
import { MqttTill } from '../support/mqtt-till.js'
import { MAIN } from '../support/program.js'
import { until } from '../support/until.js'
import { CHEAP_HASH, eventsOf, saleEvent, TILL } from './selling.js'

export interface LoadReport {
  readonly sent: number
  readonly acknowledged: number
  /** Of the acknowledged, from PUBLISH to PUBACK. */
  readonly tookMs: readonly number[]
  readonly lastsMs: number
  /** Processor time of the gateway meanwhile, all its threads. */
  readonly gatewayMs: number
  /** Sales in the journal, and those of them that are there more than once. */
  readonly journaled: number
  readonly doubled: number
  readonly refused: {
    /** Publishers of 20 MB that were cut, of so many. */
    readonly oversize: readonly [cut: number, of: number]
    /** Connections that said nothing and were closed, of so many. */
    readonly silent: readonly [closed: number, of: number]
    /** Messages of one client, sent as fast as it could, and those acknowledged in that time. */
    readonly loud: readonly [acknowledged: number, of: number, inMs: number]
    readonly isSlowCut: boolean
    readonly isGreedyFilterRefused: boolean
  }
}

const name = (index: number): string => `till-${index}`
const topicOf = (index: number): string => `shop/${name(index)}/sale`

function yaml(options: { dataDir: string; port: number; hqPort: number; clients: number }): string {
  const { dataDir, port, hqPort, clients } = options
  const numbers = Array.from({ length: clients }, (_, index) => index)
  const hash = `passwordHash: "${CHEAP_HASH}"`
  return [
    'store: store-001',
    `dataDir: ${dataDir}`,
    'log: { level: error }',
    `hq: { url: mqtt://127.0.0.1:${hqPort} }`,
    'broker:',
    `  listen: 127.0.0.1:${port}`,
    '  clients:',
    `    - { name: bad, ${hash}, read: [tillbridge/#, app/#], write: [app/#] }`,
    ...numbers.map(index => `    - { name: ${name(index)}, ${hash} }`),
    'terminals:',
    ...numbers.map(
      index =>
        `  - { id: register-${index}, profile: generic/cloud-events-till, firmware: '1.0', ` +
        `line: { mqtt: { client: ${name(index)}, topic: ${topicOf(index)} } } }`,
    ),
  ].join('\n')
}

/**
 * A gateway as a process, clients that sell at a steady rate, and beside them one that does
 * everything wrong; then its journal is counted.
 */
export async function loadBroker(options: {
  readonly clients: number
  readonly perSecond: number
  readonly seconds: number
}): Promise<LoadReport> {
  const { clients } = options
  const directory = mkdtempSync(join(tmpdir(), 'tillbridge-load-'))
  const dataDir = join(directory, 'data')
  const config = join(directory, 'shop.yaml')
  const [port, hqPort] = [await freePort(), await freePort()]
  writeFileSync(config, yaml({ dataDir, port, hqPort, clients }))
  const gateway = new SupervisedProcess({
    args: [MAIN, 'run', '--config', config],
    env: { UV_THREADPOOL_SIZE: '16' },
    logPath: join(directory, 'log'),
    clock: systemClock,
  })
  gateway.start()
  try {
    const tills = await connectAll(port, clients)
    const bad = new BadClient(port)
    const stop = new AbortController()
    const misbehaving = bad.run(stop.signal)
    const usedMs = processorMs(gateway)
    const sold = await sell(tills, options)
    const gatewayMs = processorMs(gateway) - usedMs
    stop.abort()
    await misbehaving
    const refused = bad.report
    bad.close()
    for (const till of tills) till.close()
    await gateway.stop(20_000)
    const journal = await journalIn(journalPaths(dataDir).journal)
    const events = await eventsOf(journal)
    await journal.close()
    const sales = events.filter(({ type }) => type === 'sale.completed')
    const doubled = sales.length - new Set(sales.map(({ source, id }) => `${source} ${id}`)).size
    return { ...sold, gatewayMs, journaled: sales.length, doubled, refused }
  } finally {
    await gateway.stop(20_000)
    rmSync(directory, { recursive: true })
  }
}

/** proc(5), stat: fields 14 and 15, in ticks of which Linux has a hundred a second. */
function processorMs({ state }: SupervisedProcess): number {
  if (state.type !== 'running') return 0
  const [, fields = ''] = readFileSync(`/proc/${state.pid}/stat`, 'utf8').split(') ')
  const [user, system] = fields.split(' ').slice(11, 13).map(Number)
  return ((user ?? 0) + (system ?? 0)) * 10
}

async function connectAll(port: number, clients: number): Promise<readonly MqttTill[]> {
  const tills: MqttTill[] = []
  await until('the gateway listens', async () => {
    const first = await MqttTill.at(port, { ...TILL, username: name(0) }).catch(() => undefined)
    if (first !== undefined) tills.push(first)
    return first !== undefined
  })
  for (let index = 1; index < clients; index += 1)
    tills.push(await MqttTill.at(port, { ...TILL, username: name(index) }))
  return tills
}

async function sell(
  tills: readonly MqttTill[],
  { perSecond, seconds }: { readonly perSecond: number; readonly seconds: number },
) {
  const tookMs: number[] = []
  const waiting = tills.map(() => new Map<number, number>())
  for (const [index, till] of tills.entries())
    till.onAcknowledged = id => {
      const sentMs = waiting[index]?.get(id)
      waiting[index]?.delete(id)
      if (sentMs !== undefined) tookMs.push(systemClock.monotonicMs() - sentMs)
    }
  const total = perSecond * seconds
  const startMs = systemClock.monotonicMs()
  for (let sent = 0; sent < total; ) {
    const due = Math.min(total, ((systemClock.monotonicMs() - startMs) * perSecond) / 1000)
    for (; sent < due; sent += 1) {
      const index = sent % tills.length
      const id = (Math.floor(sent / tills.length) % 65_535) + 1
      waiting[index]?.set(id, systemClock.monotonicMs())
      tills[index]?.publish({ topic: topicOf(index), payload: saleEvent(sent), id })
    }
    await systemClock.sleep(2)
  }
  await until('all are acknowledged', () => waiting.every(({ size }) => size === 0))
  const lastsMs = systemClock.monotonicMs() - startMs
  return { sent: total, acknowledged: tookMs.length, tookMs, lastsMs }
}

const LOUD_MESSAGES = 20_000
const AWAY = '127.0.0.2'

/** Its credentials are good, its manners are not. */
class BadClient {
  readonly #port: number
  readonly #silent: Socket[] = []
  #silentClosed = 0
  #oversize: MqttTill[] = []
  #slow: MqttTill | undefined
  #loud: MqttTill | undefined
  #loudSinceMs = 0
  #isGreedyFilterRefused = false

  constructor(port: number) {
    this.#port = port
  }

  async run(signal: AbortSignal): Promise<void> {
    const said = { ...TILL, username: 'bad' }
    this.#slow = await MqttTill.at(this.#port, { ...said, clientId: 'slow' })
    this.#isGreedyFilterRefused = (await this.#slow.subscribe('#'))[0] === 128
    await this.#slow.subscribe('tillbridge/#')
    this.#slow.pause()
    this.#loud = await MqttTill.at(this.#port, { ...said, clientId: 'loud' })
    this.#loudSinceMs = systemClock.monotonicMs()
    for (let sent = 0; sent < LOUD_MESSAGES; sent += 1)
      this.#loud.publish({ topic: 'app/x', payload: 'x', id: sent + 1 })
    while (!signal.aborted) {
      for (let each = 0; each < 25; each += 1) await this.#knock()
      const large = await MqttTill.over(this.#port, AWAY)
      this.#oversize.push(large)
      void large.introduce({ ...said, clientId: 'large' })
      large.publish({ topic: 'app/x', payload: Buffer.alloc(20_000_000) })
      await systemClock.sleep(100, signal)
    }
    this.#slow.resume()
    await until('the large ones are cut', () => this.#oversize.every(({ isClosed }) => isClosed))
    // What was sent before it was cut has to be read first; where little was, it never is.
    await until('the slow one is cut', () => this.#slow?.isClosed === true, 3000).catch(() => {})
  }

  get report(): LoadReport['refused'] {
    return {
      oversize: [this.#oversize.filter(({ isClosed }) => isClosed).length, this.#oversize.length],
      silent: [this.#silentClosed, this.#silent.length],
      loud: [
        this.#loud?.acknowledged.length ?? 0,
        LOUD_MESSAGES,
        systemClock.monotonicMs() - this.#loudSinceMs,
      ],
      isSlowCut: this.#slow?.isClosed === true,
      isGreedyFilterRefused: this.#isGreedyFilterRefused,
    }
  }

  close(): void {
    for (const socket of this.#silent) socket.destroy()
    this.#slow?.close()
    this.#loud?.close()
  }

  async #knock(): Promise<void> {
    const socket = connectTcp({ port: this.#port, host: '127.0.0.1', localAddress: AWAY })
    this.#silent.push(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.#silentClosed += 1
    })
    await once(socket, 'connect').catch(() => undefined)
  }
}
