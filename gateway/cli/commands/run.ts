import { closeSync, openSync } from 'node:fs'
import { Command } from 'commander'
import { enrol, layOutMember, restoredIdentity } from '../../composition/enrolment.js'
import type { ReloadRequests } from '../../composition/profile-reload.js'
import { configFileOf } from '../../config/load.js'
import { systemClock } from '../../core/clock.js'
import { createLogger, type Logger } from '../../core/log.js'
import { trialOf } from '../../core/release.js'
import { openServiceManager, type ServiceManager } from '../../core/service-manager.js'
import { LogRing } from '../../diagnostics/log-ring.js'
import { runGateway } from '../../main.js'
import { EXIT, exitCodeOf } from '../exit-codes.js'
import type { CliIo } from '../io.js'
import { logDestination } from '../log-destination.js'
import { logFailure } from '../log-failure.js'
import { configOption, loadShop, memberOf, originOf } from '../shop.js'
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
      const logs = new LogRing()
      const manager = openServiceManager({ env: io.env, pid: process.pid })
      const signal = stopSignal({ clock: systemClock, exit: io.exit })
      const begun = { io, logs, manager, signal }
      await becomeStore(begun)
      const config = loadShop({ file: options.config, io })
      const logger = loggerOf({ level: config.log.level, logs })
      const trial = trialOf(io.env)
      const origin = originOf({ file: options.config, io })
      const file = configFileOf(origin)
      const configPlace = file === undefined ? {} : { configPlace: { file, env: origin.env } }
      await orExit({ io, logger }, () =>
        runGateway({ config, logger, trial, ...begun, reloadRequests: onHangUp, ...configPlace }),
      )
      io.exit(EXIT.ok)
    })
}

/** A new gateway of a fleet asks HQ who it is; told to stop meanwhile, it ends here. */
async function becomeStore(begun: {
  readonly io: CliIo
  readonly logs: LogRing
  readonly manager: ServiceManager | undefined
  readonly signal: AbortSignal
}): Promise<void> {
  const { io, logs, manager, signal } = begun
  const member = memberOf(io)
  if (member === undefined) return
  const { fleet } = member
  const logger = loggerOf({ level: io.env['TILLBRIDGE_LOG_LEVEL'] || 'info', logs })
  const asking = { fleet, logger, manager, trial: trialOf(io.env), signal }
  await orExit({ io, logger }, async () => {
    const identity = (await restoredIdentity(asking)) ?? (await enrol(asking))
    if (identity === undefined) return io.exit(EXIT.ok)
    if (fleet.store !== undefined && fleet.store !== identity.store)
      logger.warn(
        { store: identity.store, variable: fleet.store },
        'TILLBRIDGE_STORE_ID names another store than HQ gave this gateway: not heeded',
      )
    await layOutMember(member)
  })
}

function loggerOf({ level, logs }: { readonly level: string; readonly logs: LogRing }): Logger {
  return createLogger({ level, destination: logDestination(logs) })
}

async function orExit(
  { io, logger }: { readonly io: CliIo; readonly logger: Logger },
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work()
  } catch (thrown) {
    logFailure(logger, thrown)
    io.exit(exitCodeOf(thrown))
  }
}
