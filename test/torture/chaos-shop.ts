import { openPostgresRows, type PostgresRows } from '../../gateway/hq/postgres/postgres-ledger.js'
import { exportRows } from '../../gateway/hq/query-server.js'
import { type LinkFault, openLinkFault } from '../../gateway/simulator/link-fault.js'
import { LiveCheck } from '../../gateway/simulator/live-check.js'
import type { SupervisedProcess } from '../../gateway/simulator/supervised-process.js'
import { findCommit, findPuback, LinkTrap } from '../support/link-trap.js'
import { type Postgres, startPostgres } from '../support/postgres.js'
import { openPostgresLink } from '../support/postgres-link.js'
import { TestShop, type TestTill } from '../support/test-shop.js'
import { EventListener } from './event-listener.js'

/** Three makes of till; one of them has no numbers, so what it repeats is flagged, not dropped. */
const TILLS: readonly TestTill[] = [
  { id: 'register-1', model: 'lrc', perMinute: 400 },
  { id: 'register-2', model: 'binary', perMinute: 300 },
  { id: 'register-3', model: 'plain', perMinute: 200 },
  { id: 'register-4', model: 'lrc', perMinute: 100 },
]
/** A subscriber is given everything before HQ's PUBACK: a broker that dies has told it. */
const BROKER = ['max_inflight_messages 0', 'max_queued_messages 0']

/** A link that can fail, and a trap in it. */
export interface Door {
  readonly link: LinkFault
  readonly trap: LinkTrap
}

/** Gateway, mosquitto, receivers and PostgreSQL as real processes, a faulty link between each. */
export class ChaosShop {
  readonly shop: TestShop
  readonly tills: readonly SupervisedProcess[]
  readonly postgres: Postgres
  readonly listener: EventListener
  readonly doors: Readonly<Record<'shop' | 'hq' | 'database', Door>>
  readonly live: LiveCheck
  /** Its database, past the faulty link. */
  readonly judgeUrl: string
  readonly #feed: PostgresFeed
  #brokers = 1

  private constructor(parts: {
    readonly shop: TestShop
    readonly postgres: Postgres
    readonly listener: EventListener
    readonly doors: ChaosShop['doors']
    readonly judgeUrl: string
  }) {
    this.shop = parts.shop
    this.postgres = parts.postgres
    this.listener = parts.listener
    this.doors = parts.doors
    this.tills = parts.shop.supervisedTills()
    this.judgeUrl = parts.judgeUrl
    this.#feed = new PostgresFeed(parts.judgeUrl)
    this.live = new LiveCheck({ ledger: this.#feed, tills: parts.shop.tillTails() })
  }

  /** All of it runs; the tills are switched off. */
  static async open(options: { readonly seed: number; readonly receivers: number }) {
    const { seed, receivers } = options
    const postgres = await startPostgres()
    const judgeUrl = await postgres.url('chaos')
    const commits = new LinkTrap(findCommit)
    const { link, url: hqUrl } = await openPostgresLink(judgeUrl, commits)
    let doors: Pick<ChaosShop['doors'], 'shop' | 'hq'> | undefined
    const shop = await TestShop.start({
      tills: TILLS,
      seed,
      receivers,
      broker: BROKER,
      ledger: { judgeUrl, hqUrl },
      doors: async port => {
        doors = { shop: await openDoor(port), hq: await openDoor(port) }
        return { shop: doors.shop.link.port, hq: doors.hq.link.port }
      },
    })
    if (doors === undefined) throw new Error('a shop without doors')
    const listener = new EventListener({ port: shop.brokerPort })
    await listener.start()
    const all = { ...doors, database: { link, trap: commits } }
    return new ChaosShop({ shop, postgres, listener, judgeUrl, doors: all })
  }

  /** Their own logs: what the ledger is held against. */
  get tillLogs(): readonly string[] {
    return TILLS.map(({ id }) => this.shop.paths.tillLog(id))
  }

  /** Of those tills whose receipt numbers are unique. */
  get numberedLogs(): readonly string[] {
    return TILLS.filter(({ model }) => model !== 'plain').map(({ id }) =>
      this.shop.paths.tillLog(id),
    )
  }

  /** Why a process does not come up any more, if one does not. */
  get failure(): string | undefined {
    const { gateway, receivers } = this.shop
    const failed = [...this.tills, gateway, ...receivers].map(({ state }) => state)
    return failed.find(state => state.type === 'failed')?.reason
  }

  sell(): void {
    for (const till of this.tills) till.start()
  }

  /** Where the subscriber was away although no broker was: it cannot have heard all. */
  get isSubscriberAtFault(): boolean {
    return this.listener.session !== this.#brokers
  }

  /** Every till finishes the sale in hand. */
  async closeTills(): Promise<void> {
    await Promise.all(this.tills.map(till => till.stop(15_000)))
  }

  /** The subscriber is back before anybody else, as one that never went away would be. */
  async killBroker(): Promise<void> {
    const { shop, hq } = this.doors
    const { session } = this.listener
    await this.shop.replaceBroker(() => {
      shop.link.pull()
      hq.link.pull()
    })
    await this.listener.isListening({ after: session })
    this.#brokers += 1
    shop.link.restore()
    hq.link.restore()
  }

  async stop(): Promise<void> {
    await Promise.all(this.tills.map(till => till.stop(5_000)))
    await this.listener.stop()
    await this.shop.stop()
    await this.#feed.close()
    for (const { link } of Object.values(this.doors)) await link.close()
    await this.postgres.stop()
  }
}

async function openDoor(port: number): Promise<Door> {
  const trap = new LinkTrap(findPuback)
  return { trap, link: await openLinkFault({ target: port, watch: trap.watch }) }
}

/** Follows the ledger past HQ and the faulty link. */
class PostgresFeed {
  readonly #url: string
  #rows: PostgresRows | undefined
  #position = 0

  constructor(url: string) {
    this.#url = url
  }

  get position(): number {
    return this.#position
  }

  /** The export lines of rows committed since the last call. @throws while it is down */
  async read(): Promise<string[]> {
    this.#rows ??= await openPostgresRows({ url: this.#url })
    const lines: string[] = []
    for await (const line of exportRows(this.#rows, this.#position)) lines.push(line)
    const last = lines.at(-1)
    if (last !== undefined) this.#position = JSON.parse(last).position
    return lines
  }

  async close(): Promise<void> {
    await this.#rows?.close()
  }
}
