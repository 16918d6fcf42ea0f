import { once } from 'node:events'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { BrokerDesk } from '../../gateway/cli/broker-desk.js'
import { DocumentDesk } from '../../gateway/cli/document-desk.js'
import { systemClock } from '../../gateway/core/clock.js'
import { silentLogger } from '../../gateway/core/log.js'
import { type Random, seededRandom, systemRandom } from '../../gateway/core/random.js'
import { createFramer, framingSchema } from '../../gateway/line/framing/catalog.js'
import { MqttJsConnection } from '../../gateway/mqtt/mqtt-js-connection.js'
import { signingKeyOf } from '../../gateway/security/signature.js'
import { type LinkFault, openLinkFault } from '../../gateway/simulator/link-fault.js'
import { SupervisedProcess } from '../../gateway/simulator/supervised-process.js'
import { below } from '../../gateway/simulator/till-sale.js'
import { outgoingDocument } from '../../gateway/wire/document.js'
import { DEFAULT_TOPIC_ROOT, topicsUnder } from '../../gateway/wire/topics.js'
import { startMosquitto } from '../support/mosquitto.js'
import { STORE } from '../support/sample.js'
import { until } from '../support/until.js'
import { Tally, type UnitResult } from './unit.js'

const CLI = 'build/gateway/cli/main.js'
const TOPICS = topicsUnder(DEFAULT_TOPIC_ROOT)
const ACK = Uint8Array.of(0x06)
const FRAMING = framingSchema.parse({ type: 'stx-etx', checksum: 'lrc', controls: '0615' })
const AN_HOUR_MS = 3_600_000

const PROFILE = `format: 1
vendor: acme
model: till
name: A till that takes prices
kind: till
source: made for this run
firmware:
  - { from: "1", to: "1", dialect: prices }
`

const DIALECT = `format: 1
vendor: acme
dialect: prices
version: 1
source: made for this run
line: { baudRate: 115200, dataBits: 8, parity: none, stopBits: 1 }
framing: { type: stx-etx, checksum: lrc, controls: "0615" }
link: { type: ecr, requests: { price: { text: "PR|{plu}|{price}" } } }
idleMs: 500
cardData: false
charset: ascii
commands:
  set-price:
    does: sets a price
    link: price
    arguments: { plu: { type: digits, max: 12 }, price: { type: integer } }
documents:
  prices: { command: set-price, headerLines: 1, values: { plu: 0, price: 1 }, repeatable: true }
messages:
  - name: ready
    begins: "RDY"
    layout: { type: delimited, separator: "|", fields: [{ name: word, type: text, max: 3 }] }
    ignore: it is there
`

/** A till that outlives the gateway, and knows by heart what it was told. */
class PriceTill {
  readonly prices = new Map<string, string>()
  told = 0
  readonly #server: Server = createServer(socket => this.#serve(socket))
  readonly #sockets = new Set<Socket>()

  async listen(): Promise<this> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return this
  }

  get port(): number {
    // A server that listens on TCP has an AddressInfo, not a path.
    return (this.#server.address() as AddressInfo).port
  }

  stop(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  #serve(socket: Socket): void {
    const framer = createFramer(FRAMING)
    this.#sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('error', () => undefined) // The gateway was killed: it comes again.
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on('data', bytes => {
      for (const output of framer.push(bytes)) {
        const text = Buffer.from(output.type === 'frame' ? output.payload : []).toString('latin1')
        const [word, plu = '', price = ''] = text.split('|')
        if (word !== 'PR') continue
        this.told += 1
        this.prices.set(plu, price)
        socket.write(ACK)
      }
    })
  }
}

export interface PriceListOptions {
  readonly unit: number
  readonly seed: number
  readonly directory: string
  readonly lines: number
  readonly tills: number
  /** Of the link, spread over the transfer. */
  readonly cuts: number
  /** Of the gateway while it receives, and while it pushes. */
  readonly kills: { readonly receiving: number; readonly pushing: number }
}

/**
 * A price list of so many lines to so many tills, over a link that is cut and with a gateway that is
 * killed: in the end every till knows every price, and HQ heard so once of each.
 */
export async function deliverPriceList(options: PriceListOptions): Promise<UnitResult> {
  const { unit, seed, lines, directory } = options
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(join(directory, 'profiles', 'acme'), { recursive: true })
  writeFileSync(join(directory, 'profiles', 'acme', 'till.profile.yaml'), PROFILE)
  writeFileSync(join(directory, 'profiles', 'acme', 'prices.dialect.yaml'), DIALECT)
  const delivery = new Delivery(options)
  const what = await delivery.run()
  const point = `${lines} lines, seed ${seed}`
  const findings = what.length === 0 ? [] : [{ unit, point, what, kept: directory }]
  return { points: 1, counts: delivery.tally.counts, findings }
}

class Delivery {
  readonly tally = new Tally()
  readonly #options: PriceListOptions
  readonly #random: Random
  readonly #text: string
  /** Ids of what HQ heard, by till. */
  readonly #applied = new Map<string, Set<string>>()

  constructor(options: PriceListOptions) {
    this.#options = options
    this.#random = seededRandom(options.seed)
    const line = (_: unknown, n: number): string =>
      `${n + 1};${1 + below(this.#random, 99_999)};Article ${n + 1} of the assortment`
    this.#text = ['plu;price;text', ...Array.from({ length: options.lines }, line)].join('\n')
  }

  async run(): Promise<readonly string[]> {
    const { tills: count, directory, cuts } = this.#options
    const broker = await startMosquitto()
    const tills = await Promise.all(Array.from({ length: count }, () => new PriceTill().listen()))
    const step = Math.floor(this.#text.length / (cuts + 1))
    let [passed, next] = [0, step]
    const link: LinkFault = await openLinkFault({
      target: broker.port,
      watch: way => bytes => {
        if (way === 'there') return
        passed += bytes.length
        if (passed < next || this.tally.of('cuts') === cuts) return
        next = passed + step
        this.tally.add('cuts')
        setImmediate(() => link.cut())
      },
    })
    const key = signingKeyOf(this.#random.bytes(32))
    const config = this.#configure({ tills, key: key.publicKey, port: link.port })
    const gateway = new SupervisedProcess({
      args: [CLI, 'run', '--config', config],
      env: {},
      logPath: join(directory, 'gateway.log'),
      clock: systemClock,
    })
    const hq = this.#listen(broker.port)
    const address = { host: '127.0.0.1', port: broker.port }
    const desk = new BrokerDesk({ address, name: 'document', topics: TOPICS })
    const documents = new DocumentDesk({ desk, topics: TOPICS })
    try {
      gateway.start()
      await desk.start()
      const said = { name: 'prices', version: 1, kind: 'prices', store: 'hq' } as const
      const document = outgoingDocument(said, Buffer.from(this.#text))
      if (!document.ok) throw new Error(document.error)
      const beganMs = systemClock.monotonicMs()
      const killing = this.#kill(gateway, { tills, passed: () => passed })
      await documents.publish(document.value, [key])
      await until('every till has applied it', () => this.#applied.size === count, AN_HOUR_MS)
      await killing
      this.tally.add('seconds', Math.round((systemClock.monotonicMs() - beganMs) / 1000))
      this.tally.add('bytes from HQ', passed)
      return this.#judge(tills)
    } finally {
      await desk.stop()
      await gateway.stop(10_000)
      await hq.stop(1_000)
      await link.close()
      for (const till of tills) till.stop()
      await broker.stop()
    }
  }

  #configure(shop: {
    readonly tills: readonly PriceTill[]
    readonly key: string
    readonly port: number
  }): string {
    const { directory } = this.#options
    const config = join(directory, 'shop.yaml')
    const lines = shop.tills.flatMap(({ port }, n) => [
      `  - { id: till-${n + 1}, profile: acme/till, firmware: '1',`,
      `      line: { tcp: { host: 127.0.0.1, port: ${port} } } }`,
    ])
    const head = [
      `store: ${STORE}`,
      `dataDir: ${join(directory, 'data')}`,
      `hq: { url: mqtt://127.0.0.1:${shop.port}, mode: direct, keys: ['${shop.key}'] }`,
      `profiles: ['${join(directory, 'profiles')}']`,
      'profilesUnproven: [acme/till]',
      'broker: off',
      'terminals:',
    ]
    writeFileSync(config, [...head, ...lines].join('\n'))
    return config
  }

  #listen(port: number): MqttJsConnection {
    const hq = new MqttJsConnection({
      address: { host: '127.0.0.1', port, clientId: 'torture-hq' },
      clock: systemClock,
      random: systemRandom,
      logger: silentLogger,
    })
    hq.subscribe(`${DEFAULT_TOPIC_ROOT}/${STORE}/events/+/document.applied`, ({ payload }) => {
      const { id = '', terminal = '' } = JSON.parse(Buffer.from(payload).toString('utf8'))
      const ids = this.#applied.get(terminal) ?? new Set()
      this.#applied.set(terminal, ids.add(id))
    })
    hq.start()
    return hq
  }

  async #kill(
    gateway: SupervisedProcess,
    seen: { readonly tills: readonly PriceTill[]; readonly passed: () => number },
  ): Promise<void> {
    const { kills, lines } = this.#options
    const { length } = this.#text
    const told = (): number => seen.tills.reduce((sum, till) => sum + till.told, 0)
    const at = (share: number, of: number): number => Math.floor((share * of) / 100)
    const points = [
      ...Array.from({ length: kills.receiving }, () => at(20 + below(this.#random, 60), length))
        .sort((left, right) => left - right)
        .map(bytes => () => seen.passed() > bytes),
      ...Array.from({ length: kills.pushing }, () => at(5 + below(this.#random, 80), lines))
        .sort((left, right) => left - right)
        .map(each => () => told() > each * seen.tills.length),
    ]
    for (const isTime of points) {
      await until('it is time for a kill', isTime, AN_HOUR_MS)
      if (gateway.kill('SIGKILL')) this.tally.add('kills')
    }
  }

  #judge(tills: readonly PriceTill[]): readonly string[] {
    const lines = this.#text.split('\n').slice(1)
    const again = tills.reduce((sum, till) => sum + till.told - lines.length, 0)
    this.tally.add('lines told again', again)
    this.tally.add('lines told', again + lines.length * tills.length)
    return tills.flatMap((till, n) => {
      const name = `till-${n + 1}`
      const wrong = lines.filter(line => {
        const [plu = '', price] = line.split(';')
        return till.prices.get(plu) !== price
      })
      const times = this.#applied.get(name)?.size ?? 0
      return [
        ...(wrong.length === 0 ? [] : [`${name}: ${wrong.length} prices are wrong`]),
        ...(times === 1 ? [] : [`${name}: applied ${times} times`]),
      ]
    })
  }
}
