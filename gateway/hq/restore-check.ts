import type { Clock } from '../core/clock.js'
import type { LedgerId } from '../core/ids.js'
import { LIMITS } from '../core/limits.js'
import type { Logger } from '../core/log.js'
import type { Delivery, MqttConnection } from '../mqtt/connection.js'
import { decodeReceipt } from '../wire/receipt.js'
import type { Topics } from '../wire/topics.js'
import { type EchoResult, hearEcho } from './echo.js'
import type { Ledger } from './ledger.js'
import { takenBack } from './receipt-coverage.js'

/**
 * Whether the ledger is behind what it once told its stores: then its database was restored, from
 * a backup or on a standby that lagged. The broker still has the last receipt of every store; one
 * that confirms more than the ledger holds is enough. Those of older generations prove nothing.
 */
export class RestoreCheck {
  readonly #ledger: Ledger
  readonly #connection: MqttConnection
  readonly #topics: Topics
  readonly #logger: Logger
  readonly #clock: Clock

  constructor(options: {
    readonly ledger: Ledger
    readonly connection: MqttConnection
    readonly topics: Topics
    readonly logger: Logger
    readonly clock: Clock
  }) {
    this.#ledger = options.ledger
    this.#connection = options.connection
    this.#topics = options.topics
    this.#logger = options.logger
    this.#clock = options.clock
  }

  /**
   * The generation that was restored, or nothing. Ends when the broker has handed out all retained
   * receipts, or is silent for `LIMITS.hqEchoMs`; that is a warning, and what was heard counts.
   * @throws TillbridgeError TB_LEDGER_UNREADABLE: nothing is known
   */
  async run(word: string, signal: AbortSignal): Promise<LedgerId | undefined> {
    const { ledger } = await this.#ledger.generation()
    let restored: LedgerId | undefined
    let failure: unknown
    let isBusy = false
    let heard = 0
    let heardMs = 0
    const judge = async (delivery: Delivery): Promise<void> => {
      // What other receivers send meanwhile is not asked for, and never ends.
      if (!delivery.retained) return
      heard += 1
      if (restored !== undefined || failure !== undefined) return
      isBusy = true
      try {
        if (await this.#isBehind(ledger, delivery)) restored = ledger
      } catch (thrown) {
        failure = thrown
      }
      isBusy = false
      heardMs = this.#clock.monotonicMs()
    }
    const unsubscribe = this.#connection.subscribe(this.#topics.every.receipt, judge)
    let echo: EchoResult = 'heard'
    let heardBefore = -1
    // aedes reads what it retains beside what it delivers: an echo may overtake the first of it.
    for (let round = 1; echo === 'heard' && (round <= 2 || heard > heardBefore); round += 1) {
      heardBefore = heard
      echo = await hearEcho({
        connection: this.#connection,
        topic: this.#topics.echo(`${word}-${round}`),
        clock: this.#clock,
        signal,
        silenceMs: LIMITS.hqEchoMs,
        heardMs: () => (isBusy ? this.#clock.monotonicMs() : heardMs),
      })
    }
    unsubscribe()
    if (failure !== undefined) throw failure
    if (!signal.aborted) this.#warn(echo)
    return restored
  }

  async #isBehind(ledger: LedgerId, delivery: Delivery): Promise<boolean> {
    const { topic, payload } = delivery
    const store = this.#topics.storeOf(topic, 'receipt')
    const told = decodeReceipt(payload)
    if (store === undefined || !told.ok || told.value.ledger !== ledger) return false
    const { epochs } = told.value
    const now = await this.#ledger.receipt(store, new Set(epochs.map(({ epoch }) => epoch)))
    const gone = takenBack(epochs, now.epochs)
    if (gone === undefined || now.ledger !== ledger) return false
    this.#logger.error(
      { store, ...gone },
      'the ledger lacks what a receipt of it confirmed: its database was restored',
    )
    return true
  }

  #warn(echo: EchoResult): void {
    if (echo === 'heard') return
    const reason = `${echo} on ${this.#topics.echo('…')} and ${this.#topics.every.receipt}`
    this.#logger.warn({ reason }, 'it is not sure that the broker handed out all receipts')
  }
}
