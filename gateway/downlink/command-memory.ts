import { z } from 'zod'
import type { Clock } from '../core/clock.js'
import { type ErrorCode, TillbridgeError } from '../core/errors.js'
import { derivedEventId, type StoreId, terminalId } from '../core/ids.js'
import { LIMITS } from '../core/limits.js'
import { decodeJson } from '../core/schema.js'
import { type ClockState, type Event, type EventData, GATEWAY_TERMINAL } from '../event/event.js'
import { digestOf } from '../event/event-identity.js'
import { makeEvent } from '../event/make-event.js'
import type { AppendOutcome, FragmentChange, Journal } from '../journal/journal.js'
import { commandOutcome, commandRequest } from '../wire/command.js'
import { isUnknown } from './command-state.js'

const PREFIX = 'command/'

const stored = z.strictObject({
  request: commandRequest,
  digest: z.string(),
  /** As its target was known when it was accepted: after a restart it may not be known yet. */
  isMoney: z.boolean().default(false),
  state: z.discriminatedUnion('type', [
    z.strictObject({ type: z.enum(['accepted', 'executing']) }),
    z.strictObject({ type: z.literal('ended'), outcome: commandOutcome }),
  ]),
  chunks: z.int().exactOptional(),
})

/** A command that HQ may say again, and what is said to that. */
export type KnownCommand = z.infer<typeof stored>

/** Money of which nobody can say yet what became of it. */
export function isOpen({ isMoney, state }: KnownCommand): boolean {
  return isMoney && (state.type !== 'ended' || isUnknown(state.outcome))
}

/** What tells what is asked of a terminal from anything else that is. */
const TELLING = ['amountMinor', 'receiptNumber', 'traceNumber', 'operation'] as const

/** Whether both ask a terminal for the same, whatever reference it is to give it. */
export function isAlike(
  { request: left }: KnownCommand,
  { request: right }: KnownCommand,
): boolean {
  const isSame = left.target === right.target && left.verb === right.verb
  return isSame && TELLING.every(name => left.arguments[name] === right.arguments[name])
}

const NOT_KEPT: ReadonlySet<ErrorCode> = new Set([
  'TB_JOURNAL_WRITE',
  'TB_JOURNAL_FULL',
  'TB_JOURNAL_LOW',
  'TB_JOURNAL_UNREADABLE',
  'TB_JOURNAL_CLOSED',
])

export interface CommandMemoryOptions {
  readonly journal: Journal
  readonly store: StoreId
  readonly timeZone: string
  readonly clock: Clock
  readonly clockState: () => ClockState
}

/**
 * What becomes of each command: a record of the journal, and in the same write what is to be
 * remembered of it until HQ cannot say it again. Over restarts; a command's state is durable before
 * anybody acts on it.
 */
export class CommandMemory {
  readonly #options: CommandMemoryOptions
  readonly #known = new Map<string, KnownCommand>()
  /** Ids whose text the disk gave back as another: more is not known of them. */
  readonly #damaged = new Set<string>()

  /** @throws TillbridgeError TB_JOURNAL_WRITE, TB_JOURNAL_UNREADABLE */
  static async open(options: CommandMemoryOptions): Promise<CommandMemory> {
    const memory = new CommandMemory(options)
    for (const [source, held] of await options.journal.fragmentsUnder(PREFIX)) {
      const id = source.slice(PREFIX.length)
      const decoded = decodeJson(stored, held[0] ?? new Uint8Array(0))
      if (decoded.ok) memory.#known.set(id, decoded.value)
      else memory.#damaged.add(id)
    }
    return memory
  }

  /** Whether a journal remembers any. @throws TillbridgeError TB_JOURNAL_UNREADABLE */
  static async isThere(journal: Journal): Promise<boolean> {
    return (await journal.fragmentsUnder(PREFIX)).size > 0
  }

  private constructor(options: CommandMemoryOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#known.size + this.#damaged.size
  }

  /** What was under way when the gateway ended. */
  get unfinished(): readonly KnownCommand[] {
    return [...this.#known.values()].filter(({ state }) => state.type !== 'ended')
  }

  /** Oldest first. */
  get open(): readonly KnownCommand[] {
    return [...this.#known.values()].filter(isOpen)
  }

  find(id: string): KnownCommand | undefined {
    return this.#known.get(id)
  }

  /** It was there once, and nothing more can be said. */
  isDamaged(id: string): boolean {
    return this.#damaged.has(id)
  }

  /**
   * Durable when this resolves: `stored`; `known`: the journal had this state of it before, so it
   * is not the first time; `refused`: nothing was kept. `event`: the record of it, where it is
   * another than that of its state.
   */
  async keep(
    command: KnownCommand,
    event = this.#event(command),
  ): Promise<'stored' | 'known' | 'refused'> {
    const { id } = command.request
    const before = this.#known.get(id)
    const change = {
      source: `${PREFIX}${id}`,
      before: before === undefined ? [] : [encode(before)],
      after: [encode(command)],
    }
    const outcomes = await this.#append([event], change)
    if (outcomes === undefined) return 'refused'
    this.#known.set(id, command)
    return outcomes[0] === 'stored' ? 'stored' : 'known'
  }

  /** For as long as the process lives. */
  hold(command: KnownCommand): void {
    this.#known.set(command.request.id, command)
  }

  /** The record alone, as far as the journal takes it. */
  async note(command: KnownCommand): Promise<void> {
    await this.#append([this.#event(command)])
  }

  /**
   * Forgets what is out of date by a clock that is right: nobody can say it again. What is open
   * stays until somebody says what came of it.
   */
  async forget(): Promise<void> {
    const { clock, clockState } = this.#options
    if (clockState() !== 'synced') return
    const nowMs = clock.wallMs()
    for (const [id, command] of this.#known) {
      const isOver = Date.parse(command.request.expiresAt) + LIMITS.commandKeptMs < nowMs
      if (!isOver || command.state.type !== 'ended' || isOpen(command)) continue
      const change = { source: `${PREFIX}${id}`, before: [encode(command)], after: [] }
      if ((await this.#append([], change)) !== undefined) this.#known.delete(id)
    }
  }

  async #append(
    events: readonly Event[],
    change?: FragmentChange,
  ): Promise<readonly AppendOutcome[] | undefined> {
    try {
      return await this.#options.journal.append(events, change)
    } catch (thrown) {
      if (thrown instanceof TillbridgeError && NOT_KEPT.has(thrown.code)) return undefined
      throw thrown
    }
  }

  #event(command: KnownCommand): Event {
    const { store, timeZone, clock, clockState } = this.#options
    const data = eventData(command)
    return makeEvent({
      type: 'gateway.command',
      data,
      id: derivedEventId(['gateway.command', data.command, data.state]),
      store,
      terminal: terminalId(GATEWAY_TERMINAL),
      wallMs: clock.wallMs(),
      timeZone,
      clockState: clockState(),
    })
  }
}

function eventData({ request, isMoney, state }: KnownCommand): EventData<'gateway.command'> {
  const { id: command, issuer, target, verb } = request
  const argumentsDigest = digestOf(request.arguments)
  const money = isMoney ? ({ money: true } as const) : {}
  const said = { command, issuer, target, verb, argumentsDigest, ...money }
  if (state.type !== 'ended') return { ...said, state: state.type }
  const { outcome } = state
  if (outcome.type === 'successful') return { ...said, state: 'successful' }
  const { reason, detail } = outcome
  return { ...said, state: 'failed', reason, detail }
}

function encode(command: KnownCommand): Uint8Array {
  return Buffer.from(JSON.stringify(command), 'utf8')
}
