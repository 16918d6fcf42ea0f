import { storeId } from '../../gateway/core/ids.js'
import { createLogger } from '../../gateway/core/log.js'
import { type Random, seededRandom } from '../../gateway/core/random.js'
import type { MqttMessage } from '../../gateway/mqtt/connection.js'
import { DEFAULT_TOPIC_ROOT, topicsUnder } from '../../gateway/wire/topics.js'
import { below } from '../support/sample.js'
import { PLAIN } from './climate.js'
import { Table } from './disk.js'
import type { Facts } from './facts.js'
import { Faults } from './faults.js'
import { Violation } from './invariants.js'
import { checkTrimDirect, Heard } from './invariants-direct.js'
import { Broker } from './network.js'
import { Shop } from './shop.js'
import { Store } from './store.js'
import { Till } from './till.js'
import { Life, Timeline } from './timeline.js'
import { Witness } from './witness.js'
import type { Outcome } from './world.js'

const TOPICS = topicsUnder(DEFAULT_TOPIC_ROOT)
const NAME = storeId('store-0')
const MAX_SALES = 20
const MAX_FAULTS = 20
const MAX_STEPS = 200_000
const LONGEST_LIFE_MS = 60_000
const DRAIN_MS = 60 * 60 * 1000

/** One seed of mode `direct`: a shop and a broker that keeps what it acknowledges; no HQ. */
export class DirectWorld {
  readonly #random: Random
  readonly #timeline = new Timeline()
  readonly #witness = new Witness()
  readonly #heard = new Heard()
  readonly #shop: Shop
  readonly #faults: Faults
  #failure: unknown

  constructor(seed: number) {
    const random = seededRandom(seed)
    const timeline = this.#timeline
    const witness = this.#witness
    this.#random = random
    const kind = { isOrderly: random.unit() < 0.5, isSharing: false }
    const onMessage = (message: MqttMessage): void => this.#try(() => this.#heard.take(message))
    const broker = new Broker({ timeline, random, kind, onMessage })
    const logger = createLogger({
      level: 'warn',
      destination: { write: line => witness.hear(line) },
    })
    const fail = (thrown: unknown): void => this.#fail(thrown)
    const site = { timeline, random, broker, topics: TOPICS, logger, seams: {}, fail }
    const store = new Store({
      ...site,
      name: NAME,
      mode: 'direct',
      quotaBytes: undefined,
      onTrim: record => this.#guard(record),
      onEvict: () => undefined,
    })
    const life = new Life({ timeline, wall: { offsetMs: 0 } })
    const onAcknowledged = (id: string): void => witness.acknowledge(NAME, id)
    this.#shop = new Shop({
      random,
      store,
      witness,
      ledger: () => new Table(),
      makeTill: options => {
        const sales = 1 + below(random, MAX_SALES)
        return new Till({ ...options, sales, isPatient: true, life, random, onAcknowledged })
      },
      start: till => {
        till.run().catch(fail)
      },
    })
    const places = { random, timeline, shops: [this.#shop], headquarters: undefined, broker }
    this.#faults = new Faults(
      { ...places, restore: () => undefined },
      { ...PLAIN, fullDisks: true },
    )
  }

  get steps(): number {
    return this.#timeline.steps
  }

  /** @throws Violation */
  async run(): Promise<Outcome> {
    const timeline = this.#timeline
    this.#shop.open()
    const faults = below(this.#random, MAX_FAULTS + 1)
    for (let count = 0; count < faults; count += 1) {
      const untilMs = timeline.nowMs + LONGEST_LIFE_MS * this.#random.unit() ** 3
      timeline.schedule(untilMs - timeline.nowMs, () => undefined)
      await this.#stepUntil(() => timeline.nowMs >= untilMs)
      this.#faults.strike()
      await timeline.settle()
    }
    this.#faults.end()
    await this.#stepUntil(() => this.#shop.tills.every(till => till.isDone))
    const untilMs = timeline.nowMs + DRAIN_MS
    timeline.schedule(DRAIN_MS, () => undefined)
    const isConfirmed = (): boolean =>
      this.#shop.stores.every(({ journal }) => journal?.statistics().backlog === 0)
    await this.#stepUntil(() => isConfirmed() || timeline.nowMs >= untilMs)
    if (!isConfirmed()) throw new Violation('I6: the journal is never confirmed')
    this.#heard.checkAll(this.#witness)
    return { steps: this.steps, sales: this.#witness.fates.size, faults, destroyed: 0 }
  }

  async #stepUntil(isDone: () => boolean): Promise<void> {
    while (!isDone()) {
      if (this.steps > MAX_STEPS) throw new Violation('I6: it never ends')
      await this.#timeline.step()
      if (this.#failure !== undefined) throw this.#failure
    }
  }

  #guard(record: Facts): void {
    this.#try(() => checkTrimDirect(record, this.#heard, this.#timeline.nowMs))
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
