import { z } from 'zod'
import type { MonotonicMs } from '../../gateway/core/clock.js'
import type { SoakTerminal } from './soak-terminal.js'

/** A row of `tillbridge hq export`, as far as the account needs it. */
const rowSchema = z.object({
  kind: z.string(),
  header: z.object({ monotonicMs: z.number(), type: z.string() }),
  event: z.string().nullable(),
})
const eventSchema = z.object({ terminal: z.string(), data: z.record(z.string(), z.unknown()) })

/** What became of what one terminal said. */
export interface TerminalAccount {
  readonly id: string
  readonly said: number
  readonly found: number
  /** Said, and not in the ledger. */
  readonly lost: readonly string[]
  /**
   * The same of one that is asked, where its answer came too late: the status counts a time-out,
   * and the next answer says what is so by then.
   */
  readonly unheard: readonly string[]
  /** In the ledger more than once. */
  readonly doubled: readonly string[]
  /** In the ledger, and never begun. */
  readonly invented: readonly string[]
  /** From the last byte to the place in the journal, of each; its fsync follows. */
  readonly latenciesMs: readonly number[]
  /** From the last byte to the acknowledgement, which follows the fsync. */
  readonly ackLatenciesMs: readonly number[]
}

/** What a terminal's device did, and what of it the ledger has. */
export class Account {
  readonly #terminal: SoakTerminal
  readonly #begun = new Set<string>()
  readonly #said = new Set<string>()
  readonly #sentMs = new Map<string, MonotonicMs>()
  readonly #found = new Map<string, number>()
  readonly #latenciesMs: number[] = []
  readonly #ackLatenciesMs: number[] = []

  constructor(terminal: SoakTerminal) {
    this.#terminal = terminal
  }

  begins(key: string): void {
    if (this.#begun.has(key)) throw new RangeError(`${this.#terminal.id} says ${key} twice`)
    this.#begun.add(key)
  }

  /** The last time counts: what is repeated is heard when it is heard. */
  sent(key: string, atMs: MonotonicMs): void {
    if (!this.#found.has(key)) this.#sentMs.set(key, atMs)
  }

  said(key: string, acknowledgedMs?: MonotonicMs): void {
    this.#said.add(key)
    const sentMs = this.#sentMs.get(key)
    if (sentMs !== undefined && acknowledgedMs !== undefined)
      this.#ackLatenciesMs.push(acknowledgedMs - sentMs)
  }

  get hasSpoken(): boolean {
    return this.#said.size > 0
  }

  /** What was said, must be in the ledger, and has not been found yet. */
  get waiting(): number {
    return this.#terminal.isAsked ? 0 : this.#missing.length
  }

  get #missing(): readonly string[] {
    return [...this.#said].filter(key => !this.#found.has(key))
  }

  /** A row's event, where it is this terminal's. */
  add(row: z.infer<typeof rowSchema>): void {
    if (row.kind !== 'event' || row.event === null) return
    const event = eventSchema.parse(JSON.parse(row.event))
    if (event.terminal !== this.#terminal.id) return
    const key = this.#terminal.keyOf(row.header.type, event.data)
    if (key === undefined) return
    this.#found.set(key, (this.#found.get(key) ?? 0) + 1)
    const sentMs = this.#sentMs.get(key)
    if (sentMs !== undefined) this.#latenciesMs.push(Math.max(0, row.header.monotonicMs - sentMs))
  }

  /** `timeouts`: how many of its answers the gateway did not hear in time. */
  report(timeouts: number): TerminalAccount {
    const found = [...this.#found]
    const missing = this.#missing
    const isUnheard = this.#terminal.isAsked === true && missing.length <= timeouts
    return {
      id: this.#terminal.id,
      said: this.#said.size,
      found: found.reduce((sum, [, times]) => sum + times, 0),
      lost: isUnheard ? [] : missing,
      unheard: isUnheard ? missing : [],
      doubled: found.flatMap(([key, times]) => (times > 1 ? [key] : [])),
      invented: found.flatMap(([key]) => (this.#begun.has(key) ? [] : [key])),
      latenciesMs: this.#latenciesMs,
      ackLatenciesMs: this.#ackLatenciesMs,
    }
  }
}

export function readRow(line: string): z.infer<typeof rowSchema> {
  return rowSchema.parse(JSON.parse(line))
}
