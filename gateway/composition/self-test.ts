import { setMaxListeners } from 'node:events'
import { rm } from 'node:fs/promises'
import { type MonotonicMs, systemClock } from '../core/clock.js'
import { TillbridgeError } from '../core/errors.js'
import { terminalId } from '../core/ids.js'
import { LIMITS } from '../core/limits.js'
import { silentLogger } from '../core/log.js'
import { systemRandom } from '../core/random.js'
import { clip, missingRanges } from '../core/range-set.js'
import { type Trial, tellLauncher } from '../core/release.js'
import { RetrySchedule } from '../core/retry-schedule.js'
import type { AlarmLog } from '../diagnostics/alarm-log.js'
import { type Kept, SelfTest, type SelfTestVerdict } from '../diagnostics/self-test.js'
import { decodeEvent, GATEWAY_TERMINAL } from '../event/event.js'
import type { Journal } from '../journal/journal.js'
import type { JournalSpace } from '../journal/space.js'
import { NullModem } from '../line/transport/null-modem.js'
import type { Transport } from '../line/transport/transport.js'
import type { Dialect } from '../profile/dialect.js'
import type { ProfileRegistry } from '../profile/registry.js'
import type { KeyedDigest } from '../security/keyed-digest.js'
import type { Ingest } from '../terminal/ingest.js'
import { TerminalSession } from '../terminal/session.js'
import type { Uplink } from '../uplink/uplink.js'
import type { RecordHeader } from '../wire/record.js'
import type { Shop } from './shop.js'

/** What it speaks. */
const DIALECT = 'tillbridge/self-test'
/** Time for the alarm to be durable. */
const ALARM_MS = 5_000
const TERMINAL = terminalId(GATEWAY_TERMINAL)

type Place = Pick<RecordHeader, 'epoch' | 'seq'>

export interface StartTestOptions {
  readonly shop: Shop
  readonly journal: Journal
  readonly dialect: Dialect
  readonly ingest: Ingest
  readonly keyedDigest: KeyedDigest
  readonly alarms: AlarmLog
  readonly uplink: Pick<Uplink, 'status'>
  readonly space: Pick<JournalSpace, 'takesMoney'>
  /** Who puts the version before in this one's place, if anybody does. */
  readonly trial: Trial | undefined
}

/** @throws TillbridgeError TB_PROFILE_UNKNOWN where it did not come along */
export function selfTestDialect(registry: ProfileRegistry): Dialect {
  const dialect = registry.dialect(DIALECT)
  if (dialect === undefined)
    throw new TillbridgeError('TB_PROFILE_UNKNOWN', `no dialect ${DIALECT}`)
  return dialect
}

/**
 * Tries the sale flow once after the start, before any terminal is answered, and says what came of
 * it: by an alarm, and to whoever can put the version before this one in its place. A gateway that
 * acknowledges what it does not keep ends, whoever started it.
 */
export class StartTest {
  readonly #options: StartTestOptions
  readonly #honest = new AbortController()
  #hasRoom = true

  constructor(options: StartTestOptions) {
    this.#options = options
  }

  /** Until nothing false can be said to a terminal, or the signal aborts. */
  honest(signal: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const settle = (): void => resolve()
      for (const each of [this.#honest.signal, signal]) {
        if (each.aborted) settle()
        else each.addEventListener('abort', settle, { once: true })
      }
    })
  }

  /** @throws TillbridgeError TB_UPDATE_UNFIT where it may not go on */
  async run(signal: AbortSignal): Promise<void> {
    const { alarms, trial } = this.#options
    const { wentBack } = trial ?? {}
    if (wentBack !== undefined) alarms.raise('update-unfit', wentBack)
    const startMs = systemClock.monotonicMs()
    await this.#begin()
    const verdict = await this.#test(signal)
    if (verdict?.type === 'unfit') return this.#unfit(verdict)
    await this.#fit(verdict, { startMs, signal })
  }

  async #test(signal: AbortSignal): Promise<SelfTestVerdict | undefined> {
    const { shop, journal, uplink, space } = this.#options
    const [ours, line] = new NullModem({ clock: systemClock }).ends
    const over = new AbortController()
    const running = AbortSignal.any([signal, over.signal])
    setMaxListeners(0, running)
    const memory = remember(journal)
    const listening = this.#session(ours).run(running)
    const test = new SelfTest({
      line,
      software: shop.software,
      withinMs: shop.config.updates.proveMinutes * 60_000,
      kept: memory.kept,
      hasRoom: async () => this.#noteRoom(await space.takesMoney()),
      isHqAnswering: () => uplink.status.state === 'online',
      clock: systemClock,
      random: systemRandom,
    })
    try {
      return await Promise.race([
        test.run(signal, () => this.#honest.abort()),
        listening.then(() => undefined),
      ])
    } finally {
      memory.forget()
      over.abort()
      await listening
    }
  }

  /** As a terminal of the shop has one; that its own line is open is no news. */
  #session(transport: Transport): TerminalSession {
    const { shop, dialect, ingest, keyedDigest, alarms } = this.#options
    const { store, clockState, instruments } = shop
    return new TerminalSession({
      store,
      terminal: TERMINAL,
      timeZone: shop.config.timeZone,
      dialect,
      transport,
      ingest: async (events, change) =>
        events.every(({ type }) => type.startsWith('terminal.'))
          ? { type: 'journaled' }
          : instruments.ingest.measured(TERMINAL, events, () => ingest(events, change)),
      fragments: async () => [],
      isClosing: () => false,
      retry: new RetrySchedule({ firstMs: 1_000, maxMs: 1_000, random: systemRandom }),
      clock: systemClock,
      random: systemRandom,
      clockState,
      keyedDigest,
      onCardData: reason => alarms.raise('card-data', reason),
      logger: silentLogger,
    })
  }

  async #unfit({ reason, lies }: Extract<SelfTestVerdict, { type: 'unfit' }>): Promise<void> {
    const { shop, alarms, trial } = this.#options
    const text = `${shop.software} failed its self-test: ${reason}`
    alarms.raise('update-unfit', text)
    await this.#note(`unfit ${shop.software} ${reason}`)
    if (trial?.isOnTrial !== true && !lies) return
    // Where it cannot be written down, the version before tells of it.
    await Promise.race([alarms.retry(), systemClock.sleep(ALARM_MS)])
    throw new TillbridgeError('TB_UPDATE_UNFIT', text)
  }

  /** What sold once and does not live for as long as it should is not fit yet. */
  async #fit(
    verdict: SelfTestVerdict | undefined,
    since: { readonly startMs: MonotonicMs; readonly signal: AbortSignal },
  ): Promise<void> {
    const { software, logger, config } = this.#options.shop
    const { startMs, signal } = since
    const seconds = config.updates.proveMinutes * 60
    if (verdict !== undefined) logger.info({ ...verdict, software }, 'the sale flow is tested')
    await systemClock.sleep(startMs + seconds * 1_000 - systemClock.monotonicMs(), signal)
    await this.#note(`${signal.aborted ? 'ended' : 'fit'} ${software}`)
  }

  /** From now on it is expected to come to a verdict. */
  async #begin(): Promise<void> {
    const { software, config } = this.#options.shop
    const seconds = config.updates.proveMinutes * 60 + LIMITS.trialGraceMs / 1_000
    await this.#note(`began ${software} ${Math.ceil(seconds)}`)
  }

  /** As long as there is none, no verdict is expected. To take a file away needs no room. */
  async #noteRoom(hasRoom: boolean): Promise<boolean> {
    const { trial } = this.#options
    if (hasRoom !== this.#hasRoom && trial !== undefined) {
      if (hasRoom) await this.#begin()
      else await rm(trial.verdictFile, { force: true }).catch(() => undefined)
    }
    this.#hasRoom = hasRoom
    return hasRoom
  }

  async #note(text: string): Promise<void> {
    const { trial, shop } = this.#options
    if (trial !== undefined) await tellLauncher(trial, { text, logger: shop.logger })
  }
}

/** What of the self-test is appended from now on, to be read from the journal by its word. */
function remember(journal: Journal): {
  readonly kept: (word: string) => Promise<Kept | undefined>
  readonly forget: () => void
} {
  const places: Place[] = []
  const forget = journal.onAppended(records => {
    for (const { header } of records) if (header.type === 'gateway.self-tested') places.push(header)
  })
  const kept = async (word: string): Promise<Kept | undefined> => {
    for (const place of places) {
      const data = await readAt(journal, place)
      if (data?.word !== word) continue
      return {
        data,
        isConfirmed: () => isConfirmed(journal, place),
        pendingBefore: () => pendingBefore(journal, place),
      }
    }
    return undefined
  }
  return { kept, forget }
}

async function readAt(journal: Journal, { epoch, seq }: Place): Promise<Kept['data'] | undefined> {
  try {
    const { records } = await journal.read({ epoch, first: seq, last: seq, maxBytes: 1 })
    const [record] = records
    if (record?.body.type !== 'event') return undefined
    const event = decodeEvent(record.body.bytes)
    return event.ok && event.value.type === 'gateway.self-tested' ? event.value.data : undefined
  } catch (thrown) {
    if (thrown instanceof TillbridgeError) return undefined
    throw thrown
  }
}

function isConfirmed(journal: Journal, { epoch, seq }: Place): boolean {
  const extent = journal.epochs().find(each => each.epoch === epoch)
  return extent === undefined || missingRanges(extent.pending, [seq, seq]).length > 0
}

function pendingBefore(journal: Journal, { epoch, seq }: Place): number {
  const epochs = journal.epochs()
  const own = epochs.findIndex(each => each.epoch === epoch)
  return epochs
    .slice(0, own + 1)
    .flatMap(each => (each.epoch === epoch ? clip(each.pending, [1, seq - 1]) : each.pending))
    .reduce((sum, [first, last]) => sum + last - first + 1, 0)
}
