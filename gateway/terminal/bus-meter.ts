import type { Clock, MonotonicMs } from '../core/clock.js'
import { LIMITS } from '../core/limits.js'

/** How one terminal uses a line that it shares. */
export interface BusMember {
  readonly terminal: string
  /** Times that it had the line, and of those the ones that ended without an answer. */
  readonly turnsTotal: number
  readonly unansweredTotal: number
  /** Of those, the ones in which bytes came all the same: two spoke at once, or one was garbled. */
  readonly collisionsTotal: number
  /** Bytes that came right behind an unanswered turn: it answers later than it is waited for. */
  readonly lateBytes: number
}

/** A shared line, since the process started. */
export interface BusStatus {
  readonly bus: string
  readonly address: string
  /** `babbling`: bytes come in nobody's turn, and go on coming. */
  readonly state: 'opening' | 'open' | 'lost' | 'babbling'
  readonly reason?: string
  /** Bytes that came in nobody's turn. */
  readonly strayBytes: number
  readonly members: readonly BusMember[]
}

type LineState =
  | { readonly type: 'opening'; readonly reason?: string }
  | { readonly type: 'open' }
  | { readonly type: 'lost'; readonly reason: string }

/** What came in a turn that ended. */
interface Outcome {
  readonly how: 'answered' | 'unanswered' | 'left'
  readonly heardBytes: number
}

/** Counts what happens on a shared line, and names what is wrong with it. */
export class BusMeter {
  readonly #clock: Clock
  readonly #members = new Map<string, BusMember>()
  #line: LineState = { type: 'opening' }
  #strayBytes = 0
  /** Stray bytes since a moment; a second later it starts over. */
  #window: { readonly sinceMs: MonotonicMs; readonly bytes: number } = { sinceMs: 0, bytes: 0 }
  #babble: { readonly atMs: MonotonicMs; readonly bytes: number } | undefined
  /** Whose turn ended last without an answer; what comes before the next turn is taken for it. */
  #unanswered: string | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  status(of: { readonly bus: string; readonly address: string }): BusStatus {
    const { strayBytes, members } = { strayBytes: this.#strayBytes, members: this.#members }
    const counted = { ...of, strayBytes, members: [...members.values()] }
    const babble = this.#babble
    const isBabbling =
      babble !== undefined && this.#clock.monotonicMs() - babble.atMs < LIMITS.babbleMemoryMs
    if (this.#line.type !== 'open' || !isBabbling) {
      const { type: state, ...why } = this.#line
      return { ...counted, state, ...why }
    }
    const reason = `${babble.bytes} bytes a second in nobody's turn: a device talks by itself`
    return { ...counted, state: 'babbling', reason }
  }

  join(terminal: string): void {
    if (this.#members.has(terminal)) return
    const none = { turnsTotal: 0, unansweredTotal: 0, collisionsTotal: 0, lateBytes: 0 }
    this.#members.set(terminal, { terminal, ...none })
  }

  opened(): void {
    this.#line = { type: 'open' }
  }

  closed(): void {
    this.#line = { type: 'opening' }
  }

  failed(reason: string): void {
    const isOpening = this.#line.type === 'opening'
    this.#line = { type: isOpening ? 'opening' : 'lost', reason }
  }

  began(terminal: string): void {
    this.#unanswered = undefined
    this.#count(terminal, { turnsTotal: 1 })
  }

  ended(terminal: string, { how, heardBytes }: Outcome): void {
    if (how !== 'unanswered') return
    this.#unanswered = terminal
    this.#count(terminal, { unansweredTotal: 1, collisionsTotal: heardBytes > 0 ? 1 : 0 })
  }

  stray(bytes: number): void {
    const nowMs = this.#clock.monotonicMs()
    this.#strayBytes += bytes
    if (this.#unanswered !== undefined) this.#count(this.#unanswered, { lateBytes: bytes })
    const { sinceMs } = this.#window
    const window = nowMs - sinceMs < 1000 ? this.#window : { sinceMs: nowMs, bytes: 0 }
    this.#window = { ...window, bytes: window.bytes + bytes }
    if (this.#window.bytes >= LIMITS.babbleBytes)
      this.#babble = { atMs: nowMs, bytes: this.#window.bytes }
  }

  #count(terminal: string, more: Partial<Omit<BusMember, 'terminal'>>): void {
    const before = this.#members.get(terminal)
    if (before === undefined) return
    this.#members.set(terminal, {
      terminal,
      turnsTotal: before.turnsTotal + (more.turnsTotal ?? 0),
      unansweredTotal: before.unansweredTotal + (more.unansweredTotal ?? 0),
      collisionsTotal: before.collisionsTotal + (more.collisionsTotal ?? 0),
      lateBytes: before.lateBytes + (more.lateBytes ?? 0),
    })
  }
}
