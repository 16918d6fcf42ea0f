import { Command } from 'commander'
import { systemClock } from '../../core/clock.js'
import { createLogger } from '../../core/log.js'
import { runGateway } from '../../main.js'
import { EXIT, exitCodeOf } from '../exit-codes.js'
import type { CliIo } from '../io.js'
import { logDestination } from '../log-destination.js'
import { logFailure } from '../log-failure.js'
import { configOption, loadShop } from '../shop.js'
import { stopSignal } from '../stop-signal.js'

/** `tillbridge run`: the gateway of one shop, until SIGINT or SIGTERM. */
export function runCommand(io: CliIo): Command {
  return new Command('run')
    .description('run the gateway of a shop')
    .addOption(configOption())
    .action(async (options: { readonly config?: string }) => {
      const config = loadShop({ file: options.config, io })
      const logger = createLogger({ level: config.log.level, destination: logDestination() })
      const signal = stopSignal({ clock: systemClock, exit: io.exit })
      try {
        await runGateway({ config, logger, signal })
        io.exit(EXIT.ok)
      } catch (thrown) {
        logFailure(logger, thrown)
        io.exit(exitCodeOf(thrown))
      }
    })
}
