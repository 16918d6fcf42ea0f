import type { Clock } from '../core/clock.js'
import type { Random } from '../core/random.js'
import type { Dialect } from '../profile/dialect.js'
import type { TerminalLine } from './stop-and-wait.js'

/** What every simulated terminal that is not a till needs. */
export interface ShopDeviceOptions {
  readonly line: TerminalLine
  readonly dialect: Dialect
  readonly clock: Clock
  readonly random: Random
  /** How long nothing happens between two uses. */
  readonly pauseMs: () => number
}
