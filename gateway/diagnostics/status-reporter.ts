import type { Clock, MonotonicMs } from '../core/clock.js'
import { messageOf } from '../core/errors.js'
import type { Logger } from '../core/log.js'
import { encodeStatus, type StoreStatus } from '../wire/status.js'

/** How often the status is looked at; the shop's own subscribers get every change. */
const LOOK_MS = 1_000
/** HQ hears changes of state at once and counters this often: a shop may be on a mobile link. */
const COUNTERS_MS = 60_000

export interface StatusReporterOptions {
  readonly compose: () => StoreStatus
  /** Retained, to the in-store broker. */
  readonly toShop: (status: StoreStatus) => Promise<void>
  /** Retained, to HQ; rejects while HQ is away. */
  readonly toHq: (status: StoreStatus) => Promise<void>
  readonly clock: Clock
  readonly logger: Logger
}

/** Publishes the store's status where it is wanted, as often as it is worth. */
export class StatusReporter {
  readonly #options: StatusReporterOptions
  #shopHas = ''
  #hqHas: { readonly states: string; readonly atMs: MonotonicMs } | undefined

  constructor(options: StatusReporterOptions) {
    this.#options = options
  }

  /** HQ lost its copy (a new connection): it gets one at the next look. */
  hqReconnected(): void {
    this.#hqHas = undefined
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#report()
      await this.#options.clock.sleep(LOOK_MS, signal)
    }
  }

  async #report(): Promise<void> {
    const { compose, toShop, logger } = this.#options
    const status = compose()
    const payload = encodeStatus(status)
    if (payload !== this.#shopHas) {
      await toShop(status).then(
        () => {
          this.#shopHas = payload
        },
        thrown => logger.warn({ reason: messageOf(thrown) }, 'status not published in the shop'),
      )
    }
    // Its broker may be there while its ledger is not: whoever looks for the reason finds it there.
    if (status.uplink.state !== 'offline') this.#tellHq(status)
  }

  /** Not awaited: a link that answers nothing must hold up neither the shop nor the end. */
  #tellHq(status: StoreStatus): void {
    const { toHq, clock, logger } = this.#options
    const atMs = clock.monotonicMs()
    const states = statesOf(status)
    const isDue = this.#hqHas === undefined || atMs - this.#hqHas.atMs >= COUNTERS_MS
    if (!isDue && this.#hqHas?.states === states) return
    const told = { states, atMs }
    this.#hqHas = told
    toHq(status).catch(thrown => {
      if (this.#hqHas === told) this.#hqHas = undefined
      logger.debug({ reason: messageOf(thrown) }, 'status not published to HQ')
    })
  }
}

/** What of a status HQ should not wait for: everything but counters. */
function statesOf(status: StoreStatus): string {
  const terminals = status.terminals.map(entry => [entry.terminal, entry.state, entry.reason])
  const { mode, clock, copies, uplink, retention } = status
  const alarms = status.alarms.map(({ alarm }) => alarm)
  return JSON.stringify([mode, clock, copies.state, uplink, retention, alarms, terminals])
}
