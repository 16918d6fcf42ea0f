import { messageOf } from '../core/errors.js'
import type { Logger } from '../core/log.js'
import type { Delivery, MqttConnection } from '../mqtt/connection.js'
import { type CommandOutcome, type CommandReport, encodeReport } from '../wire/command.js'
import type { KnownCommand } from './command-memory.js'

type Reply = NonNullable<Delivery['reply']>

export interface ReportsOptions {
  readonly connection: MqttConnection
  /** Where a command's reports go, whoever asked. */
  readonly topicOf: (id: string) => string
  /** Whether a sender may have an answer there. */
  readonly mayReply: (topic: string) => boolean
  readonly logger: Logger
}

/**
 * Says to HQ what becomes of commands: the newest word about each, again at the next connection
 * where the broker did not take it. Copies only: the truth travels in the journal.
 */
export class Reports {
  readonly #options: ReportsOptions
  readonly #unsaid = new Map<string, CommandReport>()
  readonly #replies = new Map<string, Reply>()

  constructor(options: ReportsOptions) {
    this.#options = options
  }

  /** Returns the way to stop. */
  start(): () => void {
    return this.#options.connection.onState(({ type }) => {
      if (type === 'online') for (const report of this.#unsaid.values()) void this.#publish(report)
    })
  }

  /** Who asked for this command wants to hear of it there, too. */
  replyTo(id: string, reply: Reply | undefined): void {
    if (reply !== undefined && this.#options.mayReply(reply.topic)) this.#replies.set(id, reply)
  }

  say(report: CommandReport): void {
    this.#unsaid.set(report.id, report)
    void this.#publish(report)
  }

  async #publish(report: CommandReport): Promise<void> {
    const { connection, topicOf, logger } = this.#options
    if (connection.state.type !== 'online') return
    const { id } = report
    const payload = encodeReport(report)
    const reply = this.#replies.get(id)
    try {
      await connection.publish({ topic: topicOf(id), payload })
      if (this.#unsaid.get(id) === report) this.#unsaid.delete(id)
      if (report.state !== 'accepted' && report.state !== 'executing') this.#replies.delete(id)
      if (reply !== undefined) await connection.publish({ ...reply, payload })
    } catch (thrown) {
      logger.debug({ id, reason: messageOf(thrown) }, 'a report was not published')
    }
  }
}

export function endedReport(id: string, outcome: CommandOutcome): CommandReport {
  return { v: 1, id, state: 'ended', outcome }
}

/** What is known of a command, as it is said to whoever asks. */
export function reportOf({ request: { id }, state, chunks }: KnownCommand): CommandReport {
  if (state.type !== 'ended') return { v: 1, id, state: state.type }
  return { ...endedReport(id, state.outcome), ...(chunks === undefined ? {} : { chunks }) }
}
