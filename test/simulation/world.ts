import { storeId } from '../../gateway/core/ids.js'
import { createLogger } from '../../gateway/core/log.js'
import { type Random, seededRandom } from '../../gateway/core/random.js'
import type { Ledger, LedgerRow } from '../../gateway/hq/ledger.js'
import type { MqttMessage } from '../../gateway/mqtt/connection.js'
import { decodeReceipt } from '../../gateway/wire/receipt.js'
import { DEFAULT_TOPIC_ROOT, topicsUnder } from '../../gateway/wire/topics.js'
import { below } from '../support/sample.js'
import { type Climate, drawClimate } from './climate.js'
import type { Facts } from './facts.js'
import { Faults } from './faults.js'
import { Headquarters } from './headquarters.js'
import {
  checkChain,
  checkDrained,
  checkKept,
  checkOnce,
  checkReceipt,
  checkTrim,
  checkTwins,
  checkVisible,
  confirmedPlaces,
  idOf,
  Violation,
} from './invariants.js'
import { Broker } from './network.js'
import type { Seams } from './seams.js'
import { Shop } from './shop.js'
import type { SiteOptions } from './site.js'
import { Store } from './store.js'
import { Till } from './till.js'
import { Life, Timeline } from './timeline.js'
import { Witness } from './witness.js'

const TOPICS = topicsUnder(DEFAULT_TOPIC_ROOT)
const MAX_SALES = 25
const MAX_FAULTS = 30
/** A run that needs more is stuck. */
const MAX_STEPS = 200_000
/** Simulated time in which everything must have arrived once the faults are over. */
const DRAIN_MS = 3 * 60 * 60 * 1000
/** Once the faults are over, HQ is backed up so often. */
const BACKUP_MS = 5 * 60 * 1000
const PATIENT_BACKUP_MS = 24 * 60 * 60 * 1000
/** Sales that two gateways on one card make by turns at the end. */
const TWIN_ROUNDS = 12

export interface Outcome {
  /** Deliveries of the network, operations of a disk, and timers that fired. */
  readonly steps: number
  readonly sales: number
  readonly faults: number
  readonly destroyed: number
}

export interface WorldOptions {
  readonly seams?: Seams
  readonly climate?: Climate
}

/** One seed: shops, a link and HQ, faults until they are used up, then peace, then judgement. */
export class World {
  readonly #random: Random
  readonly #timeline = new Timeline()
  readonly #witness = new Witness()
  readonly #climate: Climate
  readonly #broker: Broker
  readonly #shops: readonly Shop[]
  readonly #headquarters: Headquarters
  readonly #faults: Faults
  /** A generation whose receipts said more than the ledger that was put back holds. */
  #outlived: string | undefined
  #failure: unknown

  constructor(seed: number, { seams = {}, climate }: WorldOptions = {}) {
    const random = seededRandom(seed)
    const timeline = this.#timeline
    this.#random = random
    const drawn = drawClimate(random)
    this.#climate = climate ?? drawn
    const kind = { isOrderly: random.unit() < 0.6, isSharing: random.unit() < 0.5 }
    this.#broker = new Broker({ timeline, random, kind, onMessage: message => this.#hear(message) })
    const logger = createLogger({
      level: 'warn',
      destination: { write: line => this.#witness.hear(line) },
    })
    const site: SiteOptions = {
      timeline,
      random,
      broker: this.#broker,
      topics: TOPICS,
      logger,
      seams,
      fail: thrown => this.#fail(thrown),
    }
    this.#headquarters = new Headquarters({
      ...site,
      receivers: this.#climate.receivers,
      reportsSafe: random.unit() < 0.5,
      onPublish: message => this.#judge(message),
    })
    this.#shops = Array.from({ length: this.#climate.stores }, (_, at) => this.#shop(site, at))
    this.#faults = new Faults(
      {
        random,
        timeline,
        shops: this.#shops,
        headquarters: this.#headquarters,
        broker: this.#broker,
        restore: options => this.#restore(options),
      },
      this.#climate,
    )
  }

  get steps(): number {
    return this.#timeline.steps
  }

  /** @throws Violation */
  async run(): Promise<Outcome> {
    for (const shop of this.#shops) shop.open()
    this.#headquarters.boot()
    const faults = below(this.#random, MAX_FAULTS + 1)
    for (let count = 0; count < faults; count += 1) {
      await this.#live()
      this.#faults.strike()
      await this.#timeline.settle()
    }
    this.#faults.end()
    this.#backUpAgainAndAgain()
    await this.#stepUntil(() => this.#tills.every(till => till.isDone), 'the tills')
    await this.#drain()
    const { fates, destroyed } = this.#witness
    return { steps: this.steps, sales: fates.size, faults, destroyed }
  }

  get #tills(): readonly Till[] {
    return this.#shops.flatMap(shop => shop.tills)
  }

  #shop(site: SiteOptions, index: number): Shop {
    const { timeline, random } = site
    const witness = this.#witness
    const { quotaBytes, isPatient } = this.#climate
    const name = storeId(`store-${index}`)
    const store = new Store({
      ...site,
      name,
      mode: 'ledger',
      quotaBytes,
      onTrim: (record, isMarked) => this.#guard(record, isMarked),
      onEvict: record => witness.evicted(record),
    })
    const life = new Life({ timeline, wall: { offsetMs: 0 } })
    const onAcknowledged = (id: string): void => witness.acknowledge(name, id)
    return new Shop({
      random,
      store,
      witness,
      ledger: () => this.#headquarters.database.disk.durable,
      makeTill: options => {
        const sales = 1 + below(random, MAX_SALES)
        return new Till({ ...options, sales, isPatient, life, random, onAcknowledged })
      },
      start: till => {
        till.run().catch(thrown => this.#fail(thrown))
      },
    })
  }

  /** Until the next fault: some steps, so that it strikes within any wait, or some time. */
  async #live(): Promise<void> {
    const timeline = this.#timeline
    const share = this.#random.unit()
    if (this.#random.unit() < 0.6) {
      const steps = timeline.steps + Math.ceil(300 ** share)
      await this.#stepUntil(() => timeline.isIdle || timeline.steps >= steps, 'some steps')
    } else {
      const untilMs = timeline.nowMs + 10 * (this.#climate.isPatient ? 1e7 : 1e4) ** share
      timeline.schedule(untilMs - timeline.nowMs, () => undefined)
      await this.#stepUntil(() => timeline.nowMs >= untilMs, 'some time')
    }
  }

  async #stepUntil(isDone: () => boolean, what: string): Promise<void> {
    while (!isDone()) {
      if (this.#timeline.steps > MAX_STEPS) throw new Violation(`waited for ${what} in vain`)
      await this.#timeline.step()
      if (this.#failure !== undefined) throw this.#failure
    }
  }

  /** The shops sell on, one sale a till: that alone must bring everything else home, too. */
  async #drain(): Promise<void> {
    const timeline = this.#timeline
    const untilMs = timeline.nowMs + DRAIN_MS
    const isLate = (): boolean => timeline.nowMs >= untilMs
    const twins = this.#shops.filter(({ stores }) => stores.length > 1)
    for (const { stores } of twins) for (const store of stores) store.powerCut({ downMs: 1000 })
    let sold = true
    const isArrived = (): boolean => isLate() || (sold && this.#isConfirmed())
    for (let round = 0; round < (twins.length > 0 ? TWIN_ROUNDS : 1) && sold; round += 1) {
      sold = await this.#sellOnce(isLate)
      // HQ hears of turns by what arrives: all of an outage at once is one turn.
      await this.#stepUntil(isArrived, 'the backlog')
    }
    const { ledger } = this.#headquarters.database
    checkDrained({ sold, confirmed: this.#isConfirmed(), back: ledger !== undefined })
    if (ledger !== undefined) await this.#judgeAll(ledger, isLate)
    for (const { stores } of twins)
      checkTwins(
        stores.map(({ journal }) => journal?.epoch ?? 'none'),
        this.#witness,
      )
  }

  async #sellOnce(isLate: () => boolean): Promise<boolean> {
    const tills = this.#tills
    let sold = 0
    for (const till of tills)
      till.sell().then(
        () => {
          sold += 1
        },
        thrown => this.#fail(thrown),
      )
    await this.#stepUntil(() => isLate() || sold === tills.length, 'a sale')
    return sold === tills.length
  }

  async #judgeAll(ledger: Ledger, isLate: () => boolean): Promise<void> {
    const witness = this.#witness
    const rows = await this.#ask<readonly LedgerRow[]>(() => ledger.rows(0, 1_000_000))
    const isFannedOut = (): boolean =>
      rows.every(row => row.kind !== 'event' || witness.wasFannedOut(idOf(row)))
    await this.#stepUntil(() => isLate() || isFannedOut(), 'the fan-out')
    checkOnce(rows, witness)
    checkKept(rows, witness)
    checkChain(rows, witness)
    checkVisible(rows, witness)
    const generation = await this.#ask(() => ledger.generation())
    if (generation.ledger === this.#outlived && !witness.isUnsure)
      throw new Violation('I7: a ledger that lost what it confirmed kept its generation')
  }

  async #ask<Value>(ask: () => Promise<Value>): Promise<Value> {
    let answers: readonly Value[] = []
    ask().then(
      value => {
        answers = [value]
      },
      thrown => this.#fail(thrown),
    )
    await this.#stepUntil(() => answers.length > 0, 'an answer')
    const [answer] = answers
    if (answer === undefined) throw new Error('no answer')
    return answer
  }

  #backUpAgainAndAgain(): void {
    void this.#headquarters.backUp()
    const everyMs = this.#climate.isPatient ? PATIENT_BACKUP_MS : BACKUP_MS
    this.#timeline.schedule(everyMs, () => this.#backUpAgainAndAgain())
  }

  #isConfirmed(): boolean {
    const stores = this.#shops.flatMap(shop => shop.stores)
    return stores.every(({ journal }) => journal?.statistics().backlog === 0)
  }

  /** Receivers that were stopped for it find out by what the broker retains. */
  #restore(options: { readonly downMs: number; readonly isLive: boolean }): void {
    const { database } = this.#headquarters
    if (!this.#headquarters.restore(options)) return
    this.#witness.ledgerRestored(database.disk.durable)
    this.#outlived = undefined
    if (options.isLive || !this.#broker.kind.isOrderly) return
    const { places } = database.disk.durable
    for (const shop of this.#shops) {
      const name = shop.anyStore.name
      const told = decodeReceipt(
        Buffer.from(this.#broker.retained(TOPICS.receipt(name))?.payload ?? ''),
      )
      if (told.ok && confirmedPlaces(told.value.epochs).some(place => !places.has(place)))
        this.#outlived = told.value.ledger
    }
  }

  #judge({ topic, payload }: MqttMessage): void {
    if (topic.endsWith('/down/receipt'))
      this.#try(() => checkReceipt(payload, this.#headquarters.database.disk.durable))
  }

  #hear({ topic, payload }: MqttMessage): void {
    if (topic.includes('/events/')) this.#witness.fannedOut(payload)
  }

  #guard(record: Facts, isMarked: boolean): void {
    const { backups, reportsSafe, database } = this.#headquarters
    const { nowMs } = this.#timeline
    const isPressed = this.#climate.quotaBytes !== undefined
    const ledger = database.disk.durable
    const retention = { ledger, backups, reportsSafe, isMarked, isPressed, nowMs }
    this.#try(() => checkTrim(record, retention))
  }

  #try(check: () => void): void {
    try {
      check()
    } catch (thrown) {
      this.#fail(thrown)
    }
  }

  #fail(thrown: unknown): void {
    this.#failure ??= thrown
  }
}
