import { rfc3339 } from '../../core/clock.js'
import type { Check } from './check.js'

const name = 'clock'
/** This program is younger, so a clock before it is wrong. */
const EARLIEST_MS = Date.UTC(2026, 0, 1)

/** A Pi has no clock that survives power-off: receipts and certificates need one that was set. */
export const checkWallClock: Check = async machine => {
  const nowMs = machine.clock.wallMs()
  const shown = rfc3339(nowMs, machine.config?.timeZone ?? 'UTC')
  if (nowMs < EARLIEST_MS) {
    const doThis = 'Set the clock (`sudo timedatectl set-ntp true`): TLS cannot work before.'
    return [{ name, state: 'fail', found: `${shown} is in the past`, doThis }]
  }
  if (machine.clockState() === 'synced')
    return [{ name, state: 'ok', found: `${shown}, set by a time service` }]
  const doThis = 'Run `sudo timedatectl set-ntp true`; allow UDP 123 or a time server in the shop.'
  return [{ name, state: 'warn', found: `${shown}, which no time service vouches for`, doThis }]
}
