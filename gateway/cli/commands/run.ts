import { closeSync, openSync } from 'node:fs'
import { Command } from 'commander'
import type { ReloadRequests } from '../../composition/profile-reload.js'
import { configFileOf } from '../../config/load.js'
import { systemClock } from '../../core/clock.js'
import { createLogger } from '../../core/log.js'
import { trialOf } from '../../core/release.js'
import { openServiceManager } from '../../core/service-manager.js'
import { LogRing } from '../../diagnostics/log-ring.js'
import { runGateway } from '../../main.js'
import { EXIT, exitCodeOf } from '../exit-codes.js'
import type { CliIo } from '../io.js'
import { logDestination } from '../log-destination.js'
import { logFailure } from '../log-failure.js'
import { configOption, loadShop } from '../shop.js'
import { stopSignal } from '../stop-signal.js'

/**
 * SIGHUP, as daemons are told to read their files again. Where there is a terminal it means that
 * this went, and ends the process as ever.
 */
const onHangUp: ReloadRequests = reload => {
  if (hasTerminal()) return () => undefined
  process.on('SIGHUP', reload)
  return () => process.off('SIGHUP', reload)
}

function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'))
    return true
  } catch {
    return false
  }
}

/** `tillbridge run`: the gateway of one shop, until SIGINT or SIGTERM. */
export function runCommand(io: CliIo): Command {
  return new Command('run')
    .description('run the gateway of a shop')
    .addOption(configOption())
    .action(async (options: { readonly config?: string }) => {
      const config = loadShop({ file: options.config, io })
      const logs = new LogRing()
      const logger = createLogger({ level: config.log.level, destination: logDestination(logs) })
      const manager = openServiceManager({ env: io.env, pid: process.pid })
      const signal = stopSignal({ clock: systemClock, exit: io.exit })
      try {
        const file = configFileOf({ file: options.config, env: io.env })
        const configPlace = file === undefined ? {} : { configPlace: { file, env: io.env } }
        const trial = trialOf(io.env)
        const told = { manager, trial, reloadRequests: onHangUp, ...configPlace }
        await runGateway({ config, logger, logs, signal, ...told })
        io.exit(EXIT.ok)
      } catch (thrown) {
        logFailure(logger, thrown)
        io.exit(exitCodeOf(thrown))
      }
    })
}
