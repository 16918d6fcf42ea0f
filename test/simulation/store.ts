import type { Database } from '../../gateway/core/database.js'
import type { Logger } from '../../gateway/core/log.js'
import type { Random } from '../../gateway/core/random.js'
import type { Journal } from '../../gateway/journal/journal.js'
import { openJournal } from '../../gateway/journal/level-journal.js'
import type { MqttConnection } from '../../gateway/mqtt/connection.js'
import { Uplink } from '../../gateway/uplink/uplink.js'
import type { Topics } from '../../gateway/wire/topics.js'
import { connectionWith } from '../support/connection-with.js'
import { journalWith } from '../support/faulty-journal.js'
import { STORE } from '../support/sample.js'
import { Disk, type Table } from './disk.js'
import { type Facts, factsOf } from './facts.js'
import { type Broker, SimulatedConnection } from './network.js'
import type { Seams } from './seams.js'
import { Life, type Timeline, type WallClock } from './timeline.js'

const DAY_MS = 24 * 60 * 60 * 1000

export interface SiteOptions {
  readonly timeline: Timeline
  readonly random: Random
  readonly broker: Broker
  readonly topics: Topics
  readonly logger: Logger
  readonly seams: Seams
  /** What must never happen: the run ends with it. */
  readonly fail: (thrown: unknown) => void
}

/** The gateway of a shop: the real journal and the real uplink on a disk that power cuts hit. */
export class Store {
  readonly disk: Disk
  readonly #options: SiteOptions & { readonly onTrim: (record: Facts) => void }
  readonly #wall: WallClock = { offsetMs: 0 }
  #boots = 0
  #isClockSure = true
  #life: Life | undefined
  #connection: SimulatedConnection | undefined
  #journal: Journal | undefined

  constructor(options: SiteOptions & { readonly onTrim: (record: Facts) => void }) {
    this.#options = options
    this.disk = new Disk(options.random)
  }

  /** Open, or nothing while the gateway is down or starts. */
  get journal(): Journal | undefined {
    return this.#journal
  }

  get connection(): SimulatedConnection | undefined {
    return this.#connection
  }

  boot(): void {
    const { timeline, fail } = this.#options
    if (this.#life !== undefined) return
    this.#boots += 1
    const life = new Life({ timeline, wall: this.#wall })
    this.#life = life
    this.#startClock(life)
    this.#run(life).catch(fail)
  }

  /** Everything in memory is gone. `image`: the card is one that was copied earlier. */
  powerCut(options: { readonly downMs: number; readonly image?: Table }): void {
    if (this.#life === undefined) return
    this.#life.end()
    this.#life = undefined
    this.#journal = undefined
    this.#connection = undefined
    if (options.image === undefined) this.disk.powerCut()
    else this.disk.restore(options.image)
    this.#options.timeline.schedule(options.downMs, () => this.boot())
  }

  /** A clock that is sure is only ever corrected by seconds. */
  jumpClock(): void {
    const { random } = this.#options
    const rangeMs = this.#isClockSure ? 5000 : 50 * DAY_MS
    this.#wall.offsetMs = (random.unit() - 0.5) * 2 * rangeMs
  }

  /** A Pi without RTC wakes up in the past, and learns better when it reaches a time server. */
  #startClock(life: Life): void {
    const { random } = this.#options
    this.#isClockSure = random.unit() < 0.7
    this.#wall.offsetMs = this.#isClockSure ? 0 : -random.unit() * 60 * DAY_MS
    life.after(1000 * 10 ** (random.unit() * 4), () => {
      this.#isClockSure = true
      this.#wall.offsetMs = 0
    })
  }

  async #run(life: Life): Promise<void> {
    const { random, logger, topics, seams, timeline, broker } = this.#options
    const journal = await openJournal({
      database: this.#watched(this.disk.database(life)),
      store: STORE,
      software: 'tillbridge/simulated',
      bootId: `boot-${this.#boots}`,
      clock: life.clock,
      random: seams.journalRandom?.(random) ?? random,
      clockState: () => (this.#isClockSure ? 'synced' : 'unsure'),
      timeZone: 'UTC',
    })
    this.#journal = journal
    const connection = new SimulatedConnection({ name: 'store', life, broker })
    this.#connection = connection
    const parts = { journal, connection }
    const uplink = new Uplink({
      ...timed(seams.uplink?.(parts) ?? parts, { timeline, topic: topics.journal(STORE) }),
      mode: 'ledger',
      store: STORE,
      topics,
      software: 'tillbridge/simulated',
      clock: life.clock,
      random,
      logger,
    })
    uplink.start()
    connection.start()
  }

  /** Sees every record that is removed. */
  #watched(database: Database): Database {
    const { onTrim } = this.#options
    const { disk } = this
    return {
      open: () => database.open(),
      close: () => database.close(),
      get: key => database.get(key),
      getMany: keys => database.getMany(keys),
      iterator: range => database.iterator(range),
      batch: (operations, options) => {
        for (const { type, key } of operations) {
          const value = type === 'del' ? disk.durable.get(key) : undefined
          const facts = value && factsOf(value)
          if (facts !== undefined) onTrim(facts)
        }
        return database.batch(operations, options)
      },
    }
  }
}

/** From what is read of the journal until it is published, a batch is compressed in real time. */
function timed(
  { journal, connection }: { readonly journal: Journal; readonly connection: MqttConnection },
  options: { readonly timeline: Timeline; readonly topic: string },
): { readonly journal: Journal; readonly connection: MqttConnection } {
  const { timeline, topic } = options
  return {
    journal: journalWith(journal, {
      read: async range => {
        const slice = await journal.read(range)
        if (slice.records.length > 0) timeline.compressionBegins()
        return slice
      },
    }),
    connection: connectionWith(connection, message => {
      if (message.topic === topic) timeline.compressionEnds()
      return connection.publish(message)
    }),
  }
}
