import type { Clock, MonotonicMs } from '../core/clock.js'
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
import type { CommandOutcome, CommandRequest } from '../wire/command.js'
import type { CommandStatus } from '../wire/status.js'
import type { Topics } from '../wire/topics.js'
import { admit, type Moment, readCommand } from './admission.js'
import { Challenges } from './challenges.js'
import { CommandMemory, isAlike, isOpen, type KnownCommand } from './command-memory.js'
import { failed, isUnknown, nextState } from './command-state.js'
import { Executions } from './executions.js'
import type { CommandContext } from './gateway-verb.js'
import { endedReport, Reports, reportOf } from './reports.js'
import { outcomeOf, type Resolution, recordOf } from './resolution.js'
import type { TwoPerson } from './two-person.js'

/** Who carries commands out. */
export interface CommandSink {
  /** Whether anything is another afterwards: then it is durable before it is begun. */
  changes(request: CommandRequest): boolean
  /** Whether its target does one such at a time: it moves money. */
  isMoney(request: CommandRequest): boolean
  run(request: CommandRequest, context: RunContext): Promise<CommandOutcome>
  /** What came of money of which nobody knows, or that was under way when the gateway ended. */
  ask(request: CommandRequest, context: CommandContext): Promise<CommandOutcome>
}

export interface RunContext extends CommandContext {
  /** From then on it may not be begun. */
  readonly untilMs: MonotonicMs
}

export interface DownlinkOptions {
  readonly store: StoreId
  readonly topics: Topics
  /** Whose signature counts: HQ's current key, and its next one; without any nothing is heard. */
  readonly keys: readonly PublicKey[]
  readonly twoPerson?: TwoPerson | undefined
  readonly journal: Journal
  /** The uplink's; started and stopped by whoever made it. */
  readonly connection: MqttConnection
  readonly sink: CommandSink
  /** Records what was refused, as often as such facts are worth it. */
  readonly deny: (denial: { readonly reason: string; readonly detail: string }) => void
  /** Money of which nobody can say what became of it, whenever that is another. */
  readonly onDoubt: (open: CommandStatus['open']) => void
  readonly timeZone: string
  readonly clock: Clock
  readonly random: Random
  readonly clockState: () => ClockState
  readonly logger: Logger
}

type Counts = Omit<CommandStatus, 'challenge' | 'open'>

const NOTHING_COUNTED: Counts = {
  accepted: 0,
  successful: 0,
  failed: 0,
  repeated: 0,
  expired: 0,
  challenged: 0,
  denied: 0,
}

const LOST = 'the store heard it before, and lost what came of it'
const FORGOTTEN = failed('unknown', LOST)
const EXPIRED = failed('expired', 'its time was over before it was begun')
const CROWDED = 'too many commands are remembered, or run'
const STOPPING = 'the gateway is being stopped'
const FULL = 'the journal takes nothing'
const BETTER_KNOWN = 'its terminal was identified meanwhile: say it again, under a new id'
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
  readonly #challenges: Challenges
  readonly #openedMs: MonotonicMs
  /** One at a time: what is being accepted is known to the next. */
  readonly #deliveries = new SerialQueue()
  readonly #executions: Executions
  readonly #cleanUps: (() => void)[] = []
  #counts = NOTHING_COUNTED
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
    this.#executions = new Executions({
      connection,
      clock,
      topicOf: (id, chunk) => topics.answer(store, id, chunk),
      keep: command => this.#keep(command),
      onEnd: command => this.#ended(command),
    })
  }

  /** Counts since the start, and what a command must bear whose age is in doubt. */
  get status(): CommandStatus {
    const open = this.#memory.open.map(command => this.#openly(command))
    return { challenge: this.#challenges.current, ...this.#counts, open }
  }

  start(): void {
    const { connection, topics, store, keys } = this.#options
    this.#cleanUps.push(this.#reports.start())
    for (const command of this.#memory.unfinished)
      this.#executions.begin(command, context => this.#conclude(command, context))
    this.#tellDoubt()
    if (keys.length === 0) return
    this.#cleanUps.push(
      connection.subscribe(topics.commands(store), delivery =>
        this.#deliveries.run(() => this.#deliver(delivery)),
      ),
    )
  }

  /** What runs is told to end, and what came of it is kept; in doubt the next start asks. */
  async stop(): Promise<void> {
    for (const cleanUp of this.#cleanUps.splice(0)) cleanUp()
    await this.#executions.stop()
  }

  /** Tells a command that runs to end. Why not, where it does not. */
  cancel(id: string): string | undefined {
    return this.#executions.cancel(id)
  }

  /** Says chunks of an answer once more, from one on. Whether that one is still known. */
  sayAgain(id: string, first: number, signal: AbortSignal): Promise<boolean> {
    return this.#executions.sayAgain(id, first, signal)
  }

  /**
   * People say what came of money of which no machine could: its terminal is not asked any more,
   * and whoever says the command again hears this. What the terminal said meanwhile counts more.
   */
  async resolve(resolution: Resolution): Promise<CommandOutcome> {
    const { intent } = resolution
    await this.#executions.stopAsking(intent)
    return this.#deliveries.run(async () => {
      const known = this.#memory.find(intent)
      if (known === undefined || !isOpen(known))
        return failed('rejected', `${intent}: no open payment; the status names those there are`)
      if (this.#executions.isAtWork(intent))
        return failed('rejected', `${intent}: it is under way still`)
      const { request } = known
      const resolved = {
        ...known,
        state: { type: 'ended', outcome: outcomeOf(resolution) },
      } as const
      const record = recordOf(resolution, request, this.#options)
      if ((await this.#memory.keep(resolved, record)) !== 'stored') {
        if (known.state.type === 'executing')
          this.#executions.begin(known, context => this.#ask(known, context))
        return failed('rejected', `${FULL}: say it again later`)
      }
      this.#reports.say(reportOf(resolved))
      this.#tellDoubt()
      return { type: 'successful', values: { target: request.target, verb: request.verb } }
    })
  }

  /**
   * A command of the shop itself: nobody has to sign it. Once for each id, as HQ's. Why it was not
   * taken, where it was not.
   */
  order(request: CommandRequest): Promise<string | undefined> {
    const { challenge: _, ...stated } = request
    const command = this.#newCommand(request, digestOf(stated))
    const untilMs = this.#inMs(Date.parse(request.expiresAt) - this.#options.clock.wallMs())
    return this.#deliveries.run(async () => {
      const { id } = request
      if (this.#memory.find(id) !== undefined) return undefined
      if (this.#memory.isDamaged(id)) return LOST
      return this.#accept(command, untilMs)
    })
  }

  async #deliver({ topic, payload, reply }: Delivery): Promise<void> {
    const { keys, store, topics, twoPerson } = this.#options
    const id = topic.slice(topics.command(store, '').length)
    const reading = readCommand(payload, { keys, store, id, twoPerson })
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
        await this.#accept(command, this.#inMs(admission.withinMs))
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

  /** Why it was not taken, where it was not. */
  async #accept(command: KnownCommand, untilMs: MonotonicMs): Promise<string | undefined> {
    if (this.#executions.isStopping) return STOPPING
    await this.#forget()
    const { id } = command.request
    const isFull = this.#memory.size >= LIMITS.commandsRemembered
    if (isFull || this.#executions.size >= LIMITS.commandsAtOnce) return this.#postpone(id, CROWDED)
    const obstacle = this.#obstacleTo(command)
    if (obstacle !== undefined) {
      this.#count('failed')
      const outcome = failed('rejected', obstacle)
      const refused = { ...command, state: { type: 'ended', outcome } } as const
      await this.#memory.keep(refused)
      this.#reports.say(reportOf(refused))
      return obstacle
    }
    const kept = await this.#keep(command)
    if (kept === 'refused') return this.#postpone(id, FULL)
    if (kept === 'known') {
      this.#reports.say(endedReport(id, FORGOTTEN))
      return undefined
    }
    this.#count('accepted')
    this.#reports.say(reportOf(command))
    this.#executions.begin(command, context => this.#carryOut(command, { context, untilMs }))
    return undefined
  }

  /** It is not answered: HQ says it again. */
  #postpone(id: string, reason: string): string {
    this.#options.logger.warn({ id, reason }, 'a command is not taken now')
    return reason
  }

  /** One thing at a time at a terminal, and never the same again while the first is in doubt. */
  #obstacleTo(command: KnownCommand): string | undefined {
    const before = this.#executions.moneyAt(command)
    if (before !== undefined) return `${before} is not through yet`
    const same = this.#memory.open.find(open => command.isMoney && isAlike(open, command))
    return same && `nobody knows what came of ${same.request.id}: payment-resolve says so`
  }

  /** What changes nothing may run while the journal takes nothing, and be forgotten. */
  async #keep(command: KnownCommand): Promise<'stored' | 'known' | 'refused'> {
    if (this.#options.sink.changes(command.request)) return this.#memory.keep(command)
    this.#memory.hold(command)
    if (command.state.type === 'ended') await this.#memory.note(command)
    return 'stored'
  }

  async #carryOut(
    command: KnownCommand,
    run: { readonly context: CommandContext; readonly untilMs: MonotonicMs },
  ): Promise<CommandOutcome> {
    const { context, untilMs } = run
    // A terminal may be known better by now than when it was accepted.
    const isMoney = this.#options.sink.isMoney(command.request)
    if (isMoney && !command.isMoney) return failed('rejected', BETTER_KNOWN)
    const executing = { ...command, state: nextState(command.state, { type: 'begun' }) }
    const kept = await this.#keep(executing)
    if (kept === 'refused') return NOT_JOURNALED
    if (kept === 'known') return FORGOTTEN
    // Others were first, or the disk took its time.
    if (this.#options.clock.monotonicMs() >= untilMs) return EXPIRED
    this.#reports.say(reportOf(executing))
    const outcome = await this.#options.sink.run(command.request, { ...context, untilMs })
    return command.isMoney && isUnknown(outcome) ? this.#ask(command, context) : outcome
  }

  /** It is in doubt until its terminal says what came of it, or somebody resolves it. */
  #ask(command: KnownCommand, context: CommandContext): Promise<CommandOutcome> {
    this.#executions.doubt(command.request.id)
    this.#tellDoubt()
    return this.#options.sink.ask(command.request, context)
  }

  #ended(command: KnownCommand): void {
    const { state } = command
    if (state.type === 'ended') this.#count(state.outcome.type)
    this.#reports.say(reportOf(command))
    if (command.isMoney) this.#tellDoubt()
  }

  #openly({ request }: KnownCommand): CommandStatus['open'][number] {
    const { id, target, verb, issuedAt: since } = request
    const { amountMinor } = request.arguments
    return {
      ...{ id, target, verb, since },
      ...(typeof amountMinor === 'number' ? { amountMinor } : {}),
      state: this.#executions.isAtWork(id) ? 'running' : 'unknown',
    }
  }

  #tellDoubt(): void {
    this.#options.onDoubt(this.status.open.filter(({ state }) => state === 'unknown'))
  }

  /** What was under way when the gateway ended is asked for where that can be, and never rerun. */
  async #conclude(command: KnownCommand, context: CommandContext): Promise<CommandOutcome> {
    const { state, isMoney } = command
    if (state.type === 'executing' && isMoney) return this.#ask(command, context)
    const concluded = nextState(state, { type: 'restarted' })
    return concluded.type === 'ended' ? concluded.outcome : FORGOTTEN
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
