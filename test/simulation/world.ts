import { createLogger } from '../../gateway/core/log.js'
import { type Random, seededRandom } from '../../gateway/core/random.js'
import type { Ledger, LedgerRow } from '../../gateway/hq/ledger.js'
import type { MqttMessage } from '../../gateway/mqtt/connection.js'
import { DEFAULT_TOPIC_ROOT, topicsUnder } from '../../gateway/wire/topics.js'
import { below, STORE } from '../support/sample.js'
import { type Climate, Faults } from './faults.js'
import { Headquarters } from './headquarters.js'
import { checkChain, checkReceipt, checkTrim, idOf, Violation, Witness } from './invariants.js'
import { Broker, FAIR } from './network.js'
import type { Seams } from './seams.js'
import { Store } from './store.js'
import { Till } from './till.js'
import { Life, Timeline } from './timeline.js'

const TOPICS = topicsUnder(DEFAULT_TOPIC_ROOT)
const TILLS = 2
const MAX_SALES = 25
const MAX_FAULTS = 30
/** A run that needs more is stuck. */
const MAX_STEPS = 200_000
/** Simulated time in which everything must have arrived once the faults are over. */
const DRAIN_MS = 3 * 60 * 60 * 1000

export interface Outcome {
  readonly steps: number
  readonly sales: number
  readonly faults: number
  readonly destroyed: number
}

/** One seed: a shop, a link and HQ, faults until they are used up, then peace, then judgement. */
export class World {
  readonly #random: Random
  readonly #timeline = new Timeline()
  readonly #witness = new Witness()
  readonly #broker: Broker
  readonly #store: Store
  readonly #headquarters: Headquarters
  readonly #tills: readonly Till[]
  readonly #faults: Faults
  #failure: unknown

  constructor(seed: number, options: { readonly seams?: Seams; readonly climate?: Climate } = {}) {
    const { seams = {} } = options
    const random = seededRandom(seed)
    const timeline = this.#timeline
    this.#random = random
    this.#broker = new Broker({ timeline, random, onMessage: message => this.#hear(message) })
    const logger = createLogger({
      level: 'error',
      destination: { write: line => this.#witness.alarms.push(line) },
    })
    const site = {
      timeline,
      random,
      broker: this.#broker,
      topics: TOPICS,
      logger,
      seams,
      fail: (thrown: unknown) => this.#fail(thrown),
    }
    const drawn = { rollbacks: random.unit() < 0.4, restores: random.unit() < 0.5 }
    const headquarters = new Headquarters({
      ...site,
      reportsSafe: random.unit() < 0.5,
      onPublish: message => this.#judge(message),
    })
    const store = new Store({ ...site, onTrim: record => this.#guard(record) })
    const life = new Life({ timeline, wall: { offsetMs: 0 } })
    const sales = 1 + below(random, MAX_SALES)
    const onAcknowledged = (id: string): void => this.#witness.acknowledge(id, timeline.nowMs)
    this.#tills = Array.from({ length: TILLS }, (_, index) => {
      return new Till({ name: `till-${index}`, sales, life, random, store, onAcknowledged })
    })
    this.#store = store
    this.#headquarters = headquarters
    const { broker, witness } = { broker: this.#broker, witness: this.#witness }
    this.#faults = new Faults(
      { random, store, headquarters, broker, witness },
      options.climate ?? drawn,
    )
  }

  /** @throws Violation */
  async run(): Promise<Outcome> {
    this.#store.boot()
    this.#headquarters.boot()
    for (const till of this.#tills) till.run().catch(thrown => this.#fail(thrown))
    const faults = below(this.#random, MAX_FAULTS + 1)
    for (let count = 0; count < faults; count += 1) {
      await this.#live()
      this.#faults.strike()
      await this.#timeline.settle()
    }
    await this.#stepUntil(() => this.#tills.every(till => till.isDone), 'the tills')
    Object.assign(this.#broker.weather, FAIR)
    await this.#drain()
    const { acknowledged, destroyed } = this.#witness
    return { steps: this.#timeline.steps, sales: acknowledged, faults, destroyed }
  }

  /** Until the next fault: some steps, so that it strikes within any wait, or some time. */
  async #live(): Promise<void> {
    const timeline = this.#timeline
    const share = this.#random.unit()
    if (this.#random.unit() < 0.6) {
      const steps = timeline.steps + Math.ceil(300 ** share)
      await this.#stepUntil(() => timeline.isIdle || timeline.steps >= steps, 'some steps')
    } else {
      const untilMs = timeline.nowMs + 10 * 1e7 ** share
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

  /** The shop sells on, one sale a till: that alone must bring everything else home, too. */
  async #drain(): Promise<void> {
    let sold = 0
    for (const till of this.#tills)
      till.sell().then(
        () => {
          sold += 1
        },
        thrown => this.#fail(thrown),
      )
    const timeline = this.#timeline
    const deadlineMs = timeline.nowMs + DRAIN_MS
    timeline.schedule(DRAIN_MS, () => undefined)
    const isLate = (): boolean => timeline.nowMs >= deadlineMs
    const isSold = (): boolean => sold === TILLS
    await this.#stepUntil(() => isLate() || (isSold() && this.#isConfirmed()), 'the backlog')
    if (!isSold()) throw new Violation('the tills cannot sell')
    if (!this.#isConfirmed()) throw new Violation('the journal is never confirmed')
    const { ledger } = this.#headquarters
    if (ledger === undefined) throw new Violation('HQ does not come back')
    const rows = await this.#allRows(ledger)
    const isFannedOut = (): boolean =>
      rows.every(row => row.kind !== 'event' || this.#witness.wasFannedOut(idOf(row)))
    await this.#stepUntil(() => isLate() || isFannedOut(), 'the fan-out')
    this.#witness.checkRows(rows)
    const mayHaveGaps = this.#witness.rollbacks > 0
    checkChain(rows, { mayHaveGaps })
    const [alarm] = this.#witness.groundless
    if (alarm !== undefined) throw new Violation(`without cause: ${alarm}`)
  }

  #isConfirmed(): boolean {
    return this.#store.journal?.statistics().backlog === 0
  }

  async #allRows(ledger: Ledger): Promise<readonly LedgerRow[]> {
    let rows: readonly LedgerRow[] | undefined
    ledger.rows(0, 100_000).then(
      read => {
        rows = read
      },
      thrown => this.#fail(thrown),
    )
    await this.#stepUntil(() => rows !== undefined, 'the rows')
    return rows ?? []
  }

  #judge({ topic, payload }: MqttMessage): void {
    if (topic === TOPICS.receipt(STORE))
      this.#try(() => checkReceipt(payload, this.#headquarters.disk.durable))
  }

  #hear({ topic, payload }: MqttMessage): void {
    if (topic.includes('/events/')) this.#witness.fannedOut(payload)
  }

  #guard(record: Parameters<typeof checkTrim>[0]): void {
    const { backups, reportsSafe, disk } = this.#headquarters
    const { nowMs } = this.#timeline
    this.#try(() => checkTrim(record, { ledger: disk.durable, backups, reportsSafe, nowMs }))
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
