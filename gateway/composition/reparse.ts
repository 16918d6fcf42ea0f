import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '../core/clock.js'
import { writeDurably } from '../core/durable-file.js'
import { messageOf, TillbridgeError } from '../core/errors.js'
import type { JournalIngest } from '../ingest/journal-ingest.js'
import type { Journal } from '../journal/journal.js'
import type { ProfileSource } from '../profile/profile-source.js'
import { ProfileRegistry } from '../profile/registry.js'
import type { TerminalSupervisor } from '../terminal/supervisor.js'
import { newerDialect } from '../workbench/reparse/newer-dialect.js'
import {
  type ReparseReport,
  rejectedIn,
  reparseFrames,
} from '../workbench/reparse/reparse-frames.js'
import type { Shop } from './shop.js'

/** The dialects to which all that was rejected has been shown. */
const FILE = 'reparsed'
const LOOK_MS = 5_000
/** The disk was full, or the journal could not be read: it is tried again much later. */
const AGAIN_MS = 60_000

/**
 * Shows the journal's rejected frames to dialects that are newer than those that rejected them:
 * once after a start or a reload that brought such, while the shop sells.
 */
export class Reparser {
  readonly #shop: Shop
  readonly #journal: Journal
  readonly #ingest: JournalIngest
  readonly #source: ProfileSource
  readonly #terminals: TerminalSupervisor
  #shown: string | undefined

  constructor(options: {
    readonly shop: Shop
    readonly journal: Journal
    readonly ingest: JournalIngest
    readonly source: ProfileSource
    readonly terminals: TerminalSupervisor
  }) {
    this.#shop = options.shop
    this.#journal = options.journal
    this.#ingest = options.ingest
    this.#source = options.source
    this.#terminals = options.terminals
  }

  async run(signal: AbortSignal): Promise<void> {
    const path = join(this.#shop.config.dataDir, FILE)
    this.#shown = await readFile(path, 'utf8').catch(() => '')
    while (!signal.aborted) {
      const spoken = this.#terminals.statuses.map(({ profile }) => profile)
      const text = `${[...new Set(spoken)].sort().join('\n')}\n`
      const isDone = text === this.#shown || (await this.#reparse(signal))
      if (isDone && text !== this.#shown) await this.#note(path, text)
      await systemClock.sleep(isDone ? LOOK_MS : AGAIN_MS, signal)
    }
  }

  async #note(path: string, text: string): Promise<void> {
    this.#shown = text
    await writeDurably(path, { text, mode: 0o600 }).catch(thrown =>
      this.#shop.logger.warn({ path, reason: messageOf(thrown) }, 'not noted'),
    )
  }

  /** Whether everything was shown. A journal that cannot be read now is no reason to stop. */
  async #reparse(signal: AbortSignal): Promise<boolean> {
    try {
      return await this.#showAll(signal)
    } catch (thrown) {
      if (!(thrown instanceof TillbridgeError)) throw thrown
      const { code, message: reason } = thrown
      this.#shop.logger.warn({ code, reason }, 'rejected frames not decoded again')
      return false
    }
  }

  async #showAll(signal: AbortSignal): Promise<boolean> {
    const files = await this.#source.load()
    if (!files.ok) return false
    const spoken = new Map(
      this.#terminals.statuses.map(({ terminal, profile }) => [terminal, profile]),
    )
    const report = await reparseFrames({
      frames: rejectedIn({ journal: this.#journal, clock: systemClock, signal }),
      dialectFor: newerDialect(new ProfileRegistry(files.value), spoken),
      ingest: events => this.#ingest.ingest(events),
      clock: systemClock,
      timeZone: this.#shop.config.timeZone,
      signal,
    })
    if (report.frames > 0) this.#shop.logger.info(loggable(report), 'rejected frames decoded again')
    return report.stopped === undefined
  }
}

function loggable({ undecodable, untried, ...counts }: ReparseReport): object {
  const reasons = { undecodable: Object.fromEntries(undecodable) }
  return { ...counts, ...reasons, untried: Object.fromEntries(untried) }
}
