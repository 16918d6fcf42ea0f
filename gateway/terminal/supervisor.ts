import type { TerminalId } from '../core/ids.js'
import type { CommandOutcome, LinkCommand } from '../line/link/link.js'
import type { Dialect } from '../profile/dialect.js'
import { type DialectDocuments, NO_DOCUMENTS } from '../profile/dialect-documents.js'
import type { Bus } from './bus.js'
import type { BusStatus } from './bus-meter.js'
import { carryOut } from './order.js'
import type { TerminalSession } from './session.js'
import type { SessionStatus } from './session-status.js'

/** Every terminal of the shop, each on its own: one that fails costs the others nothing. */
export class TerminalSupervisor {
  readonly #sessions: readonly TerminalSession[]
  readonly #buses: readonly Bus[]
  readonly #writtenRaw: ReadonlySet<TerminalId>

  constructor(options: {
    readonly sessions: readonly TerminalSession[]
    /** The lines that some of them share. */
    readonly buses: readonly Bus[]
    /** Terminals that any bytes may be written to. */
    readonly writtenRaw?: readonly TerminalId[]
  }) {
    this.#writtenRaw = new Set(options.writtenRaw)
    this.#sessions = options.sessions
    this.#buses = options.buses
  }

  get busStatuses(): readonly BusStatus[] {
    return this.#buses.map(bus => bus.status)
  }

  get statuses(): readonly SessionStatus[] {
    return this.#sessions.map(session => session.status)
  }

  /** One terminal speaks this from its next frame on. */
  speak(terminal: TerminalId, dialect: Dialect): void {
    for (const session of this.#sessions)
      if (session.status.terminal === terminal) session.speak(dialect)
  }

  /** Whether money may move by this command. */
  isMoney(terminal: TerminalId, verb: string): boolean {
    return this.#sessionOf(terminal)?.abilities.commands.get(verb)?.money ?? false
  }

  /** Whether it was told something of which nobody knows yet what came; undefined: who knows. */
  async isUnsettled(terminal: TerminalId): Promise<boolean | undefined> {
    return this.#sessionOf(terminal)?.isUnsettled()
  }

  isConnected(terminal: TerminalId): boolean {
    return this.#sessionOf(terminal)?.status.state === 'connected'
  }

  /** Which documents it takes now, and how. */
  documentsOf(terminal: TerminalId): DialectDocuments {
    return this.#sessionOf(terminal)?.abilities.documents ?? NO_DOCUMENTS
  }

  /** Has a terminal do what its dialect declares. */
  async order(terminal: TerminalId, command: LinkCommand): Promise<CommandOutcome> {
    const session = this.#sessionOf(terminal)
    const mayWriteRaw = this.#writtenRaw.has(terminal)
    if (session !== undefined) return carryOut(session, command, { mayWriteRaw })
    const detail = `the shop has no terminal ${terminal}`
    return { type: 'failed', reason: 'unsupported', detail }
  }

  #sessionOf(terminal: TerminalId): TerminalSession | undefined {
    return this.#sessions.find(({ status }) => status.terminal === terminal)
  }

  /** Until the signal aborts and every session has settled what it had accepted. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#sessions.map(session => session.run(signal)))
  }
}
