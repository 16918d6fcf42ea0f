import type { Clock } from '../core/clock.js'
import { TillbridgeError } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import type { MqttConnection } from '../mqtt/connection.js'
import type { CommandOutcome } from '../wire/command.js'
import { AnswerMemory } from './answer-memory.js'
import { AnswerSender } from './answer-sender.js'
import type { KnownCommand } from './command-memory.js'
import { failed, isUnknown } from './command-state.js'
import type { CommandContext } from './gateway-verb.js'

export interface ExecutionsOptions {
  readonly connection: MqttConnection
  readonly clock: Clock
  /** Where the pieces of a long answer go. */
  readonly topicOf: (id: string, chunk: number) => string
  readonly keep: (ended: KnownCommand) => Promise<'stored' | 'known' | 'refused'>
  /** It is through, and that is kept as far as it could be. */
  readonly onEnd: (ended: KnownCommand) => void
}

interface Execution {
  readonly command: KnownCommand
  readonly abort: AbortController
  /** The terminal is asked what came of it. */
  readonly isInDoubt: boolean
  readonly end: Promise<void>
}

/** The commands that run, each from its begin to the record of how it ended. */
export class Executions {
  readonly #options: ExecutionsOptions
  readonly #running = new Map<string, Execution>()
  readonly #answers = new AnswerMemory()
  #isStopping = false

  constructor(options: ExecutionsOptions) {
    this.#options = options
  }

  get isStopping(): boolean {
    return this.#isStopping
  }

  get size(): number {
    return this.#running.size
  }

  /** The id of what moves money at the same target. */
  moneyAt({ isMoney, request: { target } }: KnownCommand): string | undefined {
    if (!isMoney) return undefined
    const running = [...this.#running.values()].find(
      ({ command }) => command.isMoney && command.request.target === target,
    )
    return running?.command.request.id
  }

  begin(command: KnownCommand, work: (context: CommandContext) => Promise<CommandOutcome>): void {
    const { clock } = this.#options
    const { id } = command.request
    const abort = new AbortController()
    // Money stays open until somebody can say what became of it.
    const cancelTimer = command.isMoney
      ? () => undefined
      : clock.after(LIMITS.commandRunMs, () => abort.abort())
    const run = { work, signal: abort.signal }
    // Not at once: what it finds out about itself is noted where it stands already.
    const end = Promise.resolve()
      .then(() => this.#run(command, run))
      .finally(() => {
        cancelTimer()
        this.#running.delete(id)
      })
    this.#running.set(id, { command, abort, isInDoubt: false, end })
  }

  /** From now on it may be ended by whoever knows what came of it. */
  doubt(id: string): void {
    const running = this.#running.get(id)
    if (running !== undefined) this.#running.set(id, { ...running, isInDoubt: true })
  }

  /** It runs, and nobody has to ask what came of it. */
  isAtWork(id: string): boolean {
    return this.#running.get(id)?.isInDoubt === false
  }

  /** Tells a command that runs to end. Why not, where it does not. */
  cancel(id: string): string | undefined {
    const running = this.#running.get(id)
    if (running === undefined) return `${id} does not run`
    if (running.command.isMoney)
      return `${id} moves money: its terminal says what came of it, or payment-resolve does`
    running.abort.abort()
    return undefined
  }

  /** Says chunks of an answer once more, from one on. Whether that one is still known. */
  async sayAgain(id: string, first: number, signal: AbortSignal): Promise<boolean> {
    const { connection, topicOf, clock } = this.#options
    const chunks = this.#answers.from(id, first)
    if (chunks[0]?.chunk !== first) return false
    for (const { chunk, payload } of chunks) {
      if (signal.aborted) break
      await connection.publish({ topic: topicOf(id, chunk), payload })
      await clock.sleep((payload.length * 1000) / LIMITS.answerBytesPerSecond, signal)
    }
    return true
  }

  /** Nobody is asked any more, and it is as open as before; what was said until then counts. */
  async stopAsking(id: string): Promise<void> {
    const running = this.#running.get(id)
    if (running?.isInDoubt !== true) return
    running.abort.abort()
    await running.end
  }

  /** What runs is told to end, and what came of it is kept; what is in doubt stays as it is. */
  async stop(): Promise<void> {
    this.#isStopping = true
    for (const { abort } of this.#running.values()) abort.abort()
    await Promise.all([...this.#running.values()].map(({ end }) => end))
  }

  async #run(
    command: KnownCommand,
    run: {
      readonly work: (context: CommandContext) => Promise<CommandOutcome>
      readonly signal: AbortSignal
    },
  ): Promise<void> {
    const { connection, clock, topicOf, keep, onEnd } = this.#options
    const { work, signal } = run
    const { id, issuer } = command.request
    const topic = (chunk: number): string => topicOf(id, chunk)
    const answer = new AnswerSender({
      connection,
      topicOf: topic,
      id,
      memory: this.#answers,
      clock,
      signal,
    })
    const ended = await work({ signal, issuer, emit: bytes => answer.send(bytes) }).catch(thrown =>
      failure(thrown, { isCancelled: signal.aborted && !command.isMoney }),
    )
    const outcome = ended.type === 'failed' ? failed(ended.reason, ended.detail) : ended
    const chunks = await answer.end()
    const isLeft = this.#isStopping || (command.isMoney && signal.aborted)
    if (isUnknown(outcome) && isLeft) return
    const state = { type: 'ended', outcome } as const
    const known = { ...command, state, ...(chunks === 0 ? {} : { chunks }) }
    while ((await keep(known)) === 'refused' && !signal.aborted)
      await clock.sleep(LIMITS.refusedRetryMs, signal)
    onEnd(known)
  }
}

function failure(
  thrown: unknown,
  { isCancelled }: { readonly isCancelled: boolean },
): CommandOutcome {
  if (!(thrown instanceof TillbridgeError)) throw thrown
  return isCancelled
    ? failed('timeout', 'it was told to end before it had')
    : failed('unknown', `${thrown.code}: ${thrown.message}`)
}
