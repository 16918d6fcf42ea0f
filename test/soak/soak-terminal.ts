import type { Clock } from '../../gateway/core/clock.js'
import type { Random } from '../../gateway/core/random.js'
import type { Dialect } from '../../gateway/profile/dialect.js'
import type { TerminalLine } from '../../gateway/simulator/stop-and-wait.js'

/** What a simulated device needs, and how it tells what it did. */
export interface SoakContext {
  /** Its end of the line, on which bytes take their time. */
  readonly line: TerminalLine
  readonly dialect: Dialect
  readonly clock: Clock
  readonly random: Random
  /** Half to one and a half of so long. */
  readonly pauseMs: (meanMs: number) => number
  /** It begins to say this: the ledger may have it from now on. A key is said once. */
  readonly begins: (key: string) => void
  /** Its last byte has left. */
  readonly sent: (key: string) => void
  /**
   * It was heard, as far as its protocol can tell: the ledger must have it. `acknowledged`: it was
   * told so, which happens once its event survives a power cut.
   */
  readonly said: (key: string, how?: 'acknowledged') => void
}

/** One row of the soak: a terminal, its line, its device, and how its events are told apart. */
export interface SoakTerminal {
  readonly id: string
  readonly profile: string
  readonly firmware: string
  /** Protocol by the name of the report. */
  readonly protocol: string
  readonly baudRate: number
  /** It speaks only when it is asked: it is there before the gateway is. */
  readonly isAsked?: true
  /** On a line that it shares with others, under this address. */
  readonly bus?: { readonly id: string; readonly address: number }
  /** Until the signal aborts; what was begun is finished. */
  readonly device: (context: SoakContext, signal: AbortSignal) => Promise<void>
  /** The key of an event's data that its device said; undefined for what is not counted. */
  readonly keyOf: (type: string, data: Readonly<Record<string, unknown>>) => string | undefined
}
