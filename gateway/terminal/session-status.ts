import type { TerminalId } from '../core/ids.js'
import type { Counters } from './counters.js'
import type { LineState } from './line-state.js'

/** State and counters of one terminal, since the process started. */
export interface SessionStatus extends Counters {
  readonly terminal: TerminalId
  readonly profile: string
  readonly address: string
  readonly state: LineState['type']
  readonly reason?: string
  /** How strong a radio terminal was heard last. */
  readonly rssiDbm?: number
}
