import { Command } from 'commander'
import { tryLogin } from '../../composition/hq-login.js'
import { isConfigured } from '../../config/load.js'
import { systemClock } from '../../core/clock.js'
import { openKernelClock } from '../../core/kernel-clock.js'
import { checkAdapters } from '../../diagnostics/machine/adapters.js'
import { checkBluetooth } from '../../diagnostics/machine/bluetooth.js'
import { bluezAdapters } from '../../diagnostics/machine/bluez.js'
import type { Check, Machine } from '../../diagnostics/machine/check.js'
import { checkDisk } from '../../diagnostics/machine/disk.js'
import { checkHeadquarters, checkHqFiles } from '../../diagnostics/machine/headquarters.js'
import { checkJournalLock } from '../../diagnostics/machine/journal-lock.js'
import { checkNetwork } from '../../diagnostics/machine/network.js'
import { checkPorts } from '../../diagnostics/machine/ports.js'
import { checkPseudoTerminals } from '../../diagnostics/machine/pseudo-terminals.js'
import { reportLines } from '../../diagnostics/machine/report.js'
import { checkShopBroker } from '../../diagnostics/machine/shop-broker.js'
import { checkStableNames } from '../../diagnostics/machine/stable-names.js'
import { checkWallClock } from '../../diagnostics/machine/wall-clock.js'
import { EXIT } from '../exit-codes.js'
import type { CliIo } from '../io.js'
import { configOption, loadShop, waitingFor } from '../shop.js'

/** In the order that a person would look. */
const CHECKS: readonly Check[] = [
  checkPorts,
  checkStableNames,
  checkAdapters,
  checkNetwork,
  checkShopBroker,
  checkBluetooth,
  checkDisk,
  checkJournalLock,
  checkWallClock,
  checkHqFiles,
  checkHeadquarters,
  checkPseudoTerminals,
]

/** `tillbridge doctor`: whether this machine can do what the configuration asks, and what to do. */
export function doctorCommand(io: CliIo): Command {
  return new Command('doctor')
    .description('check this machine: ports, network lines, disk, clock, the way to HQ')
    .addOption(configOption())
    .option('--json', 'print the findings as JSON')
    .action(async (options: { readonly config?: string; readonly json?: true }) => {
      const asked = { file: options.config, env: io.env }
      const waiting = waitingFor(io)
      if (waiting !== undefined) io.complain(waiting)
      const hasShop = waiting === undefined && isConfigured(asked)
      const machine: Machine = {
        config: hasShop ? loadShop({ file: options.config, io }) : undefined,
        clock: systemClock,
        root: '',
        clockState: openKernelClock(),
        busAddress: io.env['DBUS_SYSTEM_BUS_ADDRESS'],
        bluetoothAdapters: bluezAdapters,
        hqLogin: tryLogin,
      }
      const findings = (await Promise.all(CHECKS.map(check => check(machine)))).flat()
      if (options.json) io.print(JSON.stringify(findings, null, 2))
      else for (const line of reportLines(findings)) io.print(line)
      io.exit(findings.some(({ state }) => state === 'fail') ? EXIT.findings : EXIT.ok)
    })
}
