import type { Database } from '../../gateway/core/database.js'
import type { StoreId } from '../../gateway/core/ids.js'
import { LIMITS } from '../../gateway/core/limits.js'
import type { Journal } from '../../gateway/journal/journal.js'
import { openJournal } from '../../gateway/journal/level-journal.js'
import { JournalSpace } from '../../gateway/journal/space.js'
import { SpaceKeeper } from '../../gateway/journal/space-keeper.js'
import type { Volume } from '../../gateway/journal/volume.js'
import type { MqttConnection } from '../../gateway/mqtt/connection.js'
import { Uplink } from '../../gateway/uplink/uplink.js'
import { connectionWith } from '../support/connection-with.js'
import { journalWith } from '../support/faulty-journal.js'
import { Disk, isNoSpace, type Table } from './disk.js'
import { type Facts, factsOf } from './facts.js'
import { SimulatedConnection } from './network.js'
import type { SiteOptions } from './site.js'
import { Life, type Timeline, type WallClock } from './timeline.js'

const DAY_MS = 24 * 60 * 60 * 1000
const GIB = 1024 ** 3
/** A service manager starts again what could not start. */
const START_AGAIN_MS = 10_000
/** Looks at the disk are so much rarer, for each is a step and says nothing new. */
const LOOKS = 24

export interface StoreOptions extends SiteOptions {
  readonly name: StoreId
  readonly mode: 'ledger' | 'direct'
  /** What the journal may take up; nothing where it is the disk that ends it. */
  readonly quotaBytes: number | undefined
  /** `isMarked`: HQ had told what is `safe`. */
  readonly onTrim: (record: Facts, isMarked: boolean) => void
  /** The body of an event was given up, its place in the chain is left. */
  readonly onEvict: (record: Facts) => void
}

/** The gateway of a shop: the real journal and the real uplink on a disk that power cuts hit. */
export class Store {
  readonly disk: Disk
  readonly #options: StoreOptions
  readonly #wall: WallClock = { offsetMs: 0 }
  #boots = 0
  #isClockSure = true
  #life: Life | undefined
  #connection: SimulatedConnection | undefined
  #journal: Journal | undefined

  constructor(options: StoreOptions) {
    this.#options = options
    this.disk = new Disk(options.random)
  }

  get name(): StoreId {
    return this.#options.name
  }

  /** Open, or nothing while the gateway is down or starts. */
  get journal(): Journal | undefined {
    return this.#journal
  }

  get connection(): SimulatedConnection | undefined {
    return this.#connection
  }

  boot(): void {
    const { timeline } = this.#options
    if (this.#life !== undefined) return
    this.#boots += 1
    const life = new Life({ timeline, wall: this.#wall })
    this.#life = life
    this.#startClock(life)
    this.#run(life).catch(thrown => this.#failed(life, thrown))
  }

  /** Everything in memory is gone. `image`: the card is one that was copied earlier. */
  powerCut(options: { readonly downMs: number; readonly image?: Table }): void {
    if (this.#life === undefined) return
    this.#end()
    if (options.image === undefined) this.disk.powerCut()
    else this.disk.restore(options.image)
    this.#options.timeline.schedule(options.downMs, () => this.boot())
  }

  /** A second gateway on a copy of this one's card. */
  twin(image: Table): Store {
    const twin = new Store(this.#options)
    twin.disk.restore(image)
    // Another machine: what it did at which time of which boot says nothing of the first.
    twin.#boots = 1000
    twin.boot()
    return twin
  }

  /** A clock that is sure is only ever corrected by seconds. */
  jumpClock(): void {
    const { random } = this.#options
    const rangeMs = this.#isClockSure ? 5000 : 50 * DAY_MS
    this.#wall.offsetMs = (random.unit() - 0.5) * 2 * rangeMs
  }

  get #isMarked(): boolean {
    return this.#journal?.statistics().retention === 'safe'
  }

  #end(): void {
    this.#life?.end()
    this.#life = undefined
    this.#journal = undefined
    this.#connection = undefined
  }

  /** Without room for its files no journal opens. */
  #failed(life: Life, thrown: unknown): void {
    if (isNoSpace(thrown) && this.#life === life) {
      this.#end()
      this.#options.timeline.schedule(START_AGAIN_MS, () => this.boot())
    } else this.#options.fail(thrown)
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
    const { name, mode, random, logger, topics, seams, timeline, broker } = this.#options
    await this.disk.database(life).open()
    const space = await this.#openSpace(life)
    const journal = await openJournal({
      database: this.#watched(this.disk.database(life)),
      store: name,
      software: 'tillbridge/simulated',
      bootId: `boot-${this.#boots}`,
      clock: life.clock,
      random: seams.journalRandom?.(random) ?? random,
      clockState: () => (this.#isClockSure ? 'synced' : 'unsure'),
      timeZone: 'UTC',
      ...(space === undefined ? {} : { space }),
    })
    this.#journal = journal
    if (space !== undefined) this.#keepSpace({ life, journal, space })
    const connection = new SimulatedConnection({ name, life, broker })
    this.#connection = connection
    const parts = { journal, connection }
    const changed = seams.uplink?.(parts) ?? parts
    const topic = topics.journal(name)
    const uplink = new Uplink({
      ...(mode === 'ledger' ? timed(changed, { timeline, topic }) : changed),
      mode,
      store: name,
      topics,
      software: 'tillbridge/simulated',
      clock: life.clock,
      random,
      logger,
    })
    uplink.start()
    connection.start()
  }

  async #openSpace(life: Life): Promise<JournalSpace | undefined> {
    const { quotaBytes } = this.#options
    if (quotaBytes === undefined) return undefined
    const settings = { quota: { bytes: quotaBytes }, keepFree: { bytes: 0 } }
    return JournalSpace.open({ volume: volumeOf(this.disk), settings, clock: life.clock })
  }

  #keepSpace(kept: {
    readonly life: Life
    readonly journal: Journal
    readonly space: JournalSpace
  }): void {
    const { life, journal, space } = kept
    const { logger, fail } = this.#options
    const { clock } = life
    const slow = { ...clock, sleep: (ms: number) => clock.sleep(ms * LOOKS) }
    const keeper = new SpaceKeeper({
      journal,
      space,
      clock: slow,
      logger,
      onReport: () => undefined,
    })
    keeper.run(new AbortController().signal).catch(fail)
  }

  /** Sees every record that is removed, and every body that is given up. */
  #watched(database: Database): Database {
    const { onTrim, onEvict } = this.#options
    const { disk } = this
    return {
      open: () => database.open(),
      close: () => database.close(),
      get: key => database.get(key),
      getMany: keys => database.getMany(keys),
      iterator: range => database.iterator(range),
      batch: (operations, options) => {
        for (const operation of operations) {
          const before = disk.durable.get(operation.key)
          const facts = before && factsOf(before)
          if (facts === undefined) continue
          if (operation.type === 'del') onTrim(facts, this.#isMarked)
          else if (factsOf(operation.value)?.said !== facts.said) onEvict(facts)
        }
        return database.batch(operations, options)
      },
    }
  }
}

/** Room as the journal is told of it; it has a reserve that is never given up. */
function volumeOf(disk: Disk): Volume {
  return {
    usage: async () => ({
      journalBytes: disk.bytes,
      freeBytes: disk.isFull ? 0 : GIB,
      diskBytes: GIB,
      reserveBytes: LIMITS.reserveBytes,
    }),
    probe: async () => {
      if (disk.isFull) throw new Error('No space left on device')
    },
    giveUpReserve: async () => undefined,
    makeReserve: async () => undefined,
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
