import { Command } from 'commander'
import { isConfigured } from '../../config/load.js'
import { systemClock } from '../../core/clock.js'
import { openKernelClock } from '../../core/kernel-clock.js'
import { checkBluetooth } from '../doctor/bluetooth.js'
import { bluezAdapters } from '../doctor/bluez.js'
import type { Check, Machine } from '../doctor/check.js'
import { checkDisk } from '../doctor/disk.js'
import { checkEqualAdapters } from '../doctor/equal-adapters.js'
import { checkHeadquarters } from '../doctor/headquarters.js'
import { checkJournalLock } from '../doctor/journal-lock.js'
import { checkPorts } from '../doctor/ports.js'
import { checkPseudoTerminals } from '../doctor/pseudo-terminals.js'
import { reportLines } from '../doctor/report.js'
import { checkStableNames } from '../doctor/stable-names.js'
import { checkWallClock } from '../doctor/wall-clock.js'
import { EXIT } from '../exit-codes.js'
import type { CliIo } from '../io.js'
import { configOption, loadShop } from '../shop.js'

/** In the order that a person would look. */
const CHECKS: readonly Check[] = [
  checkPorts,
  checkStableNames,
  checkEqualAdapters,
  checkBluetooth,
  checkDisk,
  checkJournalLock,
  checkWallClock,
  checkHeadquarters,
  checkPseudoTerminals,
]

/** `tillbridge doctor`: whether this machine can do what the configuration asks, and what to do. */
export function doctorCommand(io: CliIo): Command {
  return new Command('doctor')
    .description('check this machine: ports, disk, clock, the way to HQ')
    .addOption(configOption())
    .option('--json', 'print the findings as JSON')
    .action(async (options: { readonly config?: string; readonly json?: true }) => {
      const asked = { file: options.config, env: io.env }
      const machine: Machine = {
        config: isConfigured(asked) ? loadShop({ file: options.config, io }) : undefined,
        clock: systemClock,
        root: '',
        clockState: openKernelClock(),
        busAddress: io.env['DBUS_SYSTEM_BUS_ADDRESS'],
        bluetoothAdapters: bluezAdapters,
      }
      const findings = (await Promise.all(CHECKS.map(check => check(machine)))).flat()
      if (options.json) io.print(JSON.stringify(findings, null, 2))
      else for (const line of reportLines(findings)) io.print(line)
      io.exit(findings.some(({ state }) => state === 'fail') ? EXIT.findings : EXIT.ok)
    })
}
