import type { ShopConfig } from '../../config/schema.js'
import type { Clock } from '../../core/clock.js'
import type { ErrorCode } from '../../core/errors.js'

/** What one check found; `doThis` is the operator's next step. */
export type Finding =
  | { readonly name: string; readonly state: 'ok'; readonly found: string }
  | {
      readonly name: string
      /** `warn`: works, with a risk or a reason to look. `fail`: will not work. */
      readonly state: 'warn' | 'fail'
      readonly found: string
      readonly doThis: string
    }

/** What came of logging in at HQ's broker as the gateway does. */
export type HqLogin =
  | {
      readonly type: 'accepted'
      readonly protocol: '5' | '3.1.1'
      /** HQ's ledger has a word there, which every shop hears. */
      readonly isLedgerHeard: boolean
    }
  | { readonly type: 'refused'; readonly code: ErrorCode; readonly reason: string }

/** The machine as the checks see it; tests give it other roots, another time, another bus. */
export interface Machine {
  /** Undefined where only the machine is to be checked. */
  readonly config: ShopConfig | undefined
  readonly clock: Clock
  /** Stands before /dev, /proc, /run …; empty for the real machine. */
  readonly root: string
  /** Whether a time service has set the clock. */
  readonly clockState: () => 'synced' | 'unsure'
  /** Where D-Bus is, where it is not at its usual place. */
  readonly busAddress?: string | undefined
  /** Names of the Bluetooth adapters that BlueZ reports. */
  readonly bluetoothAdapters: () => Promise<readonly string[]>
  /** Logs in at HQ's broker; absent in a gateway, which is logged in. */
  readonly hqLogin?: (config: ShopConfig) => Promise<HqLogin>
}

export type Check = (machine: Machine) => Promise<readonly Finding[]>

export function serialPorts(
  machine: Machine,
): readonly { readonly terminal: string; readonly path: string }[] {
  const { terminals = [], buses = [] } = machine.config ?? {}
  return [...terminals, ...buses].flatMap(({ id, line }) =>
    line.type === 'serial' ? [{ terminal: id, path: line.path }] : [],
  )
}
