#!/usr/bin/env -S UV_THREADPOOL_SIZE=16 node
// libuv makes its thread pool before any line of an ES module runs, so its size must come from
// outside. A few serial ports that wait in tcdrain would take all of the default 4, and LevelDB's.
import { Command } from 'commander'
import { processEnvironment } from '../config/environment.js'
import { createLogger } from '../core/log.js'
import { softwareVersion } from '../core/software.js'
import { configCommand } from './commands/config.js'
import { doctorCommand } from './commands/doctor.js'
import { hqCommand } from './commands/hq.js'
import { passwordCommand } from './commands/password.js'
import { profileCommand } from './commands/profile.js'
import { runCommand } from './commands/run.js'
import { simulateCommand } from './commands/simulate.js'
import { startCommand } from './commands/start.js'
import { EXIT } from './exit-codes.js'
import type { CliIo } from './io.js'
import { logDestination } from './log-destination.js'
import { logFailure } from './log-failure.js'

/** Every command, in the order that `--help` shows. */
const COMMANDS: readonly ((io: CliIo) => Command)[] = [
  startCommand,
  runCommand,
  hqCommand,
  configCommand,
  doctorCommand,
  profileCommand,
  passwordCommand,
  simulateCommand,
]

const io: CliIo = {
  env: processEnvironment(),
  print: line => void process.stdout.write(`${line}\n`),
  complain: line => void process.stderr.write(`${line}\n`),
  exit: code => process.exit(code),
}

/** A defect ends the process loudly: a gateway in an unknown state must not answer terminals. */
function dieOf(thrown: unknown): never {
  logFailure(createLogger({ level: 'fatal', destination: logDestination() }), thrown)
  return io.exit(EXIT.defect)
}

process.on('uncaughtException', dieOf)
process.on('unhandledRejection', dieOf)

const program = new Command('tillbridge')
  .description('Store gateway: terminals in, every sale in the ledger of HQ exactly once.')
  .version(softwareVersion())
  .configureHelp({ showGlobalOptions: true })
for (const command of COMMANDS) program.addCommand(command(io))
for (const command of allOf(program))
  command.exitOverride(({ exitCode }) => {
    io.exit(exitCode === 0 ? EXIT.ok : EXIT.usage)
  })
await program.parseAsync()

function allOf(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(allOf)]
}
