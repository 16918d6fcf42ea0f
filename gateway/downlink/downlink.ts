import type { Clock, MonotonicMs } from '../core/clock.js'
import { TillbridgeError } from '../core/errors.js'
import type { StoreId } from '../core/ids.js'
import { LIMITS } from '../core/limits.js'
import type { Logger } from '../core/log.js'
import type { Random } from '../core/random.js'
import { SerialQueue } from '../core/serial-queue.js'
import type { ClockState } from '../event/event.js'
import { digestOf } from '../event/event-identity.js'
import type { Journal } from '../journal/journal.js'
import type { Delivery, MqttConnection } from '../mqtt/connection.js'
import type { PublicKey } from '../security/signature.js'
import type { CommandOutcome, CommandReport, CommandRequest } from '../wire/command.js'
import type { CommandStatus } from '../wire/status.js'
import type { Topics } from '../wire/topics.js'
import { admit, type Moment, readCommand } from './admission.js'
import { AnswerMemory } from './answer-memory.js'
import { AnswerSender } from './answer-sender.js'
import { Challenges } from './challenges.js'
import { CommandMemory, type KnownCommand } from './command-memory.js'
import { nextState } from './command-state.js'
import type { CommandContext } from './gateway-verb.js'
import { Reports } from './reports.js'

/** Who carries commands out. */
export interface CommandSink {
  /** Whether anything is another afterwards: then it is durable before it is begun. */
  changes(request: CommandRequest): boolean
  /** Whether its target does one such at a time: it moves money. */
  isMoney(request: CommandRequest): boolean
  run(request: CommandRequest, context: CommandContext): Promise<CommandOutcome>
  /** What came of money that was under way when the gateway ended. */
  ask(request: CommandRequest, context: CommandContext): Promise<CommandOutcome>
}

export interface DownlinkOptions {
  readonly store: StoreId
  readonly topics: Topics
  /** Whose signature counts: HQ's current key, and its next one; without any nothing is heard. */
  readonly keys: readonly PublicKey[]
  readonly journal: Journal
  /** The uplink's; started and stopped by whoever made it. */
  readonly connection: MqttConnection
  readonly sink: CommandSink
  /** Records what was refused, as often as such facts are worth it. */
  readonly deny: (denial: { readonly reason: string; readonly detail: string }) => void
  readonly timeZone: string
  readonly clock: Clock
  readonly random: Random
  readonly clockState: () => ClockState
  readonly logger: Logger
}

type Counts = Omit<CommandStatus, 'challenge' | 'open'>

interface Running {
  readonly command: KnownCommand
  readonly abort: AbortController
}

const NOTHING_COUNTED: Counts = {
  accepted: 0,
  successful: 0,
  failed: 0,
  repeated: 0,
  expired: 0,
  challenged: 0,
  denied: 0,
}

const FORGOTTEN = failed('unknown', 'the store heard it before, and lost what came of it')
const EXPIRED = failed('expired', 'its time was over before it was begun')
const NOT_JOURNALED = failed('rejected', 'the journal takes nothing: it was not begun')

/** How often what is out of date is looked for. */
const FORGET_MS = 60_000

/**
 * HQ's commands: those that HQ signed for this store are carried out, each once; whoever says one
 * again hears what came of it the first time. None is begun when it is out of date. What cannot be
 * taken now is not answered: HQ says it again.
 */
export class Downlink {
  readonly #options: DownlinkOptions
  readonly #memory: CommandMemory
  readonly #reports: Reports
  readonly #answers = new AnswerMemory()
  readonly #challenges: Challenges
  readonly #openedMs: MonotonicMs
  /** One at a time: what is being accepted is known to the next. */
  readonly #deliveries = new SerialQueue()
  readonly #running = new Map<string, Running>()
  readonly #ends = new Set<Promise<void>>()
  readonly #cleanUps: (() => void)[] = []
  #counts = NOTHING_COUNTED
  #isStopping = false
  #forgotMs: MonotonicMs

  /** @throws TillbridgeError TB_JOURNAL_WRITE, TB_JOURNAL_UNREADABLE */
  static async open(options: DownlinkOptions): Promise<Downlink> {
    return new Downlink(options, await CommandMemory.open(options))
  }

  private constructor(options: DownlinkOptions, memory: CommandMemory) {
    const { connection, topics, store, clock, random, logger } = options
    this.#options = options
    this.#memory = memory
    this.#challenges = new Challenges({ clock, random })
    this.#openedMs = clock.monotonicMs()
    this.#forgotMs = this.#openedMs
    this.#reports = new Reports({
      connection,
      topicOf: id => topics.outcome(store, id),
      // What is not signed chooses this topic: it may be none that means something here.
      mayReply: topic => !topics.isUnder(topic) && !/[+#]|^\$/.test(topic),
      logger,
    })
  }

  /** Counts since the start, and what a command must bear whose age is in doubt. */
  get status(): CommandStatus {
    const open = [...this.#running.values()]
      .filter(({ command }) => command.isMoney)
      .map(({ command: { request } }) => {
        const { id, target, verb, issuedAt: since } = request
        return { id, target, verb, since }
      })
    return { challenge: this.#challenges.current, ...this.#counts, open }
  }

  start(): void {
    const { connection, topics, store, keys } = this.#options
    this.#cleanUps.push(this.#reports.start())
    for (const command of this.#memory.unfinished)
      this.#begin(command, context => this.#conclude(command, context))
    if (keys.length === 0) return
    this.#cleanUps.push(
      connection.subscribe(topics.commands(store), delivery =>
        this.#deliveries.run(() => this.#deliver(delivery)),
      ),
    )
  }

  /** What runs is told to end, and what came of it is kept; in doubt the next start asks. */
  async stop(): Promise<void> {
    this.#isStopping = true
    for (const cleanUp of this.#cleanUps.splice(0)) cleanUp()
    for (const { abort } of this.#running.values()) abort.abort()
    await Promise.all(this.#ends)
  }

  /** Tells a command that runs to end. Whether there was one. */
  cancel(id: string): boolean {
    const running = this.#running.get(id)
    running?.abort.abort()
    return running !== undefined
  }

  /** Says chunks of an answer once more, from one on. Whether that one is still known. */
  async sayAgain(id: string, first: number, signal: AbortSignal): Promise<boolean> {
    const { connection, topics, store, clock } = this.#options
    const chunks = this.#answers.from(id, first)
    for (const { chunk, payload } of chunks) {
      if (signal.aborted) break
      await connection.publish({ topic: topics.answer(store, id, chunk), payload })
      await clock.sleep((payload.length * 1000) / LIMITS.answerBytesPerSecond, signal)
    }
    return chunks[0]?.chunk === first
  }

  /** A command of the shop itself: nobody has to sign it. Once for each id, as HQ's. */
  order(request: CommandRequest): Promise<void> {
    const { challenge: _, ...stated } = request
    const command = this.#newCommand(request, digestOf(stated))
    const untilMs = this.#inMs(Date.parse(request.expiresAt) - this.#options.clock.wallMs())
    return this.#deliveries.run(async () => {
      const { id } = request
      if (this.#memory.find(id) === undefined && !this.#memory.isDamaged(id))
        await this.#accept(command, untilMs)
    })
  }

  async #deliver({ topic, payload, reply }: Delivery): Promise<void> {
    const { keys, store, topics } = this.#options
    const id = topic.slice(topics.command(store, '').length)
    const reading = readCommand(payload, { keys, store, id })
    if (reading.type === 'denied') return this.#deny(reading)
    const { request, digest } = reading
    const known = this.#memory.find(id)
    if (known !== undefined && known.digest !== digest)
      return this.#deny({ reason: 'id-reused', detail: id })
    this.#reports.replyTo(id, reply)
    if (known === undefined) return this.#hear(this.#newCommand(request, digest))
    this.#count('repeated')
    this.#reports.say(reportOf(known))
  }

  #newCommand(request: CommandRequest, digest: string): KnownCommand {
    const isMoney = this.#options.sink.isMoney(request)
    return { request, digest, isMoney, state: { type: 'accepted' } }
  }

  async #hear(command: KnownCommand): Promise<void> {
    const { request } = command
    const { id } = request
    if (this.#memory.isDamaged(id)) return this.#reports.say(endedReport(id, FORGOTTEN))
    const admission = admit(request, this.#moment(request))
    switch (admission.type) {
      case 'challenged': {
        this.#count('challenged')
        const [challenge, { epoch }] = [this.#challenges.current, this.#options.journal]
        this.#record({ reason: 'challenged', detail: `${id} of ${request.issuedAt}` })
        return this.#reports.say({ v: 1, id, state: 'challenged', challenge, epoch })
      }
      case 'refused': {
        const { reason, detail } = admission
        this.#count(reason === 'expired' ? 'expired' : 'failed')
        const outcome = failed(reason, detail)
        const refused = { ...command, state: { type: 'ended', outcome } } as const
        if (reason === 'expired') await this.#memory.note(refused)
        else await this.#memory.keep(refused)
        return this.#reports.say(reportOf(refused))
      }
      case 'admitted':
        return this.#accept(command, this.#inMs(admission.withinMs))
    }
  }

  #moment({ challenge }: CommandRequest): Moment {
    const { clock, clockState } = this.#options
    const wallMs = clock.wallMs()
    return {
      wallMs,
      isSure: clockState() === 'synced',
      openedWallMs: wallMs - (clock.monotonicMs() - this.#openedMs),
      signedWithinMs: this.#challenges.ageMs(challenge),
    }
  }

  #inMs(ms: number): MonotonicMs {
    return this.#options.clock.monotonicMs() + ms
  }

  async #accept(command: KnownCommand, untilMs: MonotonicMs): Promise<void> {
    if (this.#isStopping) return
    await this.#forget()
    const isFull = this.#memory.size >= LIMITS.commandsRemembered
    if (isFull || this.#running.size >= LIMITS.commandsAtOnce)
      return this.#options.logger.warn({ isFull }, 'too many commands: HQ says them again')
    const { id } = command.request
    const before = this.#moneyAt(command)
    if (before !== undefined) {
      this.#count('failed')
      const outcome = failed('rejected', `${before} is not through yet`)
      const refused = { ...command, state: { type: 'ended', outcome } } as const
      await this.#memory.keep(refused)
      return this.#reports.say(reportOf(refused))
    }
    const kept = await this.#keep(command)
    if (kept === 'refused') return this.#options.logger.warn({ id }, 'no command is taken now')
    if (kept === 'known') return this.#reports.say(endedReport(id, FORGOTTEN))
    this.#count('accepted')
    this.#reports.say(reportOf(command))
    this.#begin(command, context => this.#carryOut(command, { context, untilMs }))
  }

  /** What changes nothing may run while the journal takes nothing, and be forgotten. */
  async #keep(command: KnownCommand): Promise<'stored' | 'known' | 'refused'> {
    if (this.#options.sink.changes(command.request)) return this.#memory.keep(command)
    this.#memory.hold(command)
    if (command.state.type === 'ended') await this.#memory.note(command)
    return 'stored'
  }

  #begin(command: KnownCommand, work: (context: CommandContext) => Promise<CommandOutcome>): void {
    const { connection, topics, store, clock } = this.#options
    const { id } = command.request
    const abort = new AbortController()
    const { signal } = abort
    const topicOf = (chunk: number): string => topics.answer(store, id, chunk)
    const memory = this.#answers
    const answer = new AnswerSender({ connection, topicOf, id, memory, clock, signal })
    // Money stays open until somebody can say what became of it.
    const cancelTimer = command.isMoney
      ? () => undefined
      : clock.after(LIMITS.commandRunMs, () => abort.abort())
    this.#running.set(id, { command, abort })
    const end = this.#end(command, { work, answer, signal }).finally(() => {
      cancelTimer()
      this.#running.delete(id)
      this.#ends.delete(end)
    })
    this.#ends.add(end)
  }

  async #end(
    command: KnownCommand,
    run: {
      readonly work: (context: CommandContext) => Promise<CommandOutcome>
      readonly answer: AnswerSender
      readonly signal: AbortSignal
    },
  ): Promise<void> {
    const { work, answer, signal } = run
    const ended = await work({ signal, emit: bytes => answer.send(bytes) }).catch(thrown => {
      if (!(thrown instanceof TillbridgeError)) throw thrown
      return signal.aborted
        ? failed('timeout', 'it was told to end before it had')
        : failed('unknown', `${thrown.code}: ${thrown.message}`)
    })
    const outcome = ended.type === 'failed' ? failed(ended.reason, ended.detail) : ended
    const chunks = await answer.end()
    const isUnknown = outcome.type === 'failed' && outcome.reason === 'unknown'
    if (isUnknown && this.#isStopping) return
    const state = { type: 'ended', outcome } as const
    const known = { ...command, state, ...(chunks === 0 ? {} : { chunks }) }
    while ((await this.#keep(known)) === 'refused' && !signal.aborted)
      await this.#options.clock.sleep(LIMITS.refusedRetryMs, signal)
    this.#count(outcome.type)
    this.#reports.say(reportOf(known))
  }

  async #carryOut(
    command: KnownCommand,
    run: { readonly context: CommandContext; readonly untilMs: MonotonicMs },
  ): Promise<CommandOutcome> {
    const { context, untilMs } = run
    const executing = { ...command, state: nextState(command.state, { type: 'begun' }) }
    const kept = await this.#keep(executing)
    if (kept === 'refused') return NOT_JOURNALED
    if (kept === 'known') return FORGOTTEN
    // Others were first, or the disk took its time.
    if (this.#options.clock.monotonicMs() >= untilMs) return EXPIRED
    this.#reports.say(reportOf(executing))
    return this.#options.sink.run(command.request, context)
  }

  /** What was under way when the gateway ended is asked for where that can be, and never rerun. */
  async #conclude(command: KnownCommand, context: CommandContext): Promise<CommandOutcome> {
    const { state, request, isMoney } = command
    if (state.type === 'executing' && isMoney) return this.#options.sink.ask(request, context)
    const concluded = nextState(state, { type: 'restarted' })
    return concluded.type === 'ended' ? concluded.outcome : FORGOTTEN
  }

  /** The id of what moves money at the same target. */
  #moneyAt({ isMoney, request: { target } }: KnownCommand): string | undefined {
    if (!isMoney) return undefined
    const running = [...this.#running.values()].find(
      ({ command }) => command.isMoney && command.request.target === target,
    )
    return running?.command.request.id
  }

  async #forget(): Promise<void> {
    const nowMs = this.#options.clock.monotonicMs()
    if (nowMs - this.#forgotMs < FORGET_MS) return
    this.#forgotMs = nowMs
    await this.#memory.forget()
  }

  #deny(denial: { readonly reason: string; readonly detail: string }): void {
    this.#count('denied')
    this.#record(denial)
  }

  #record(denial: { readonly reason: string; readonly detail: string }): void {
    this.#options.logger.warn(denial, 'a command was not believed')
    this.#options.deny(denial)
  }

  #count(what: keyof Counts): void {
    this.#counts = { ...this.#counts, [what]: this.#counts[what] + 1 }
  }
}

function failed(
  reason: Extract<CommandOutcome, { readonly type: 'failed' }>['reason'],
  detail: string,
): CommandOutcome {
  return { type: 'failed', reason, detail: detail.slice(0, 400) }
}

function endedReport(id: string, outcome: CommandOutcome): CommandReport {
  return { v: 1, id, state: 'ended', outcome }
}

function reportOf({ request: { id }, state, chunks }: KnownCommand): CommandReport {
  if (state.type !== 'ended') return { v: 1, id, state: state.type }
  return { ...endedReport(id, state.outcome), ...(chunks === undefined ? {} : { chunks }) }
}
