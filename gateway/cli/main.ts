#!/usr/bin/env -S UV_THREADPOOL_SIZE=16 node
// libuv makes its thread pool before any line of an ES module runs, so its size must come from
// outside. A few serial ports that wait in tcdrain would take all of the default 4, and LevelDB's.
import { Command, Help, type Option } from 'commander'
import { processEnvironment } from '../config/environment.js'
import { systemCodeOf } from '../core/errors.js'
import { createLogger } from '../core/log.js'
import { softwareVersion } from '../core/software.js'
import { EXIT } from './exit-codes.js'
import type { CliIo } from './io.js'
import { logDestination } from './log-destination.js'
import { logFailure } from './log-failure.js'

/**
 * Every command, in the order that `--help` shows. Only the one asked for is loaded: all of them
 * together take seconds on a Pi.
 */
const COMMANDS: Readonly<Record<string, () => Promise<(io: CliIo) => Command>>> = {
  start: async () => (await import('./commands/start.js')).startCommand,
  run: async () => (await import('./commands/run.js')).runCommand,
  hq: async () => (await import('./commands/hq.js')).hqCommand,
  journal: async () => (await import('./commands/journal.js')).journalCommand,
  backup: async () => (await import('./commands/backup.js')).backupCommand,
  restore: async () => (await import('./commands/backup.js')).restoreCommand,
  config: async () => (await import('./commands/config.js')).configCommand,
  doctor: async () => (await import('./commands/doctor.js')).doctorCommand,
  ble: async () => (await import('./commands/ble.js')).bleCommand,
  profile: async () => (await import('./commands/profile.js')).profileCommand,
  password: async () => (await import('./commands/password.js')).passwordCommand,
  diag: async () => (await import('./commands/diag.js')).diagCommand,
  send: async () => (await import('./commands/send.js')).sendCommand,
  keys: async () => (await import('./commands/keys.js')).keysCommand,
  simulate: async () => (await import('./commands/simulate.js')).simulateCommand,
}

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

// Whoever reads has seen enough, as in `tillbridge journal list … | head`.
process.stdout.on('error', thrown => {
  if (systemCodeOf(thrown) === 'EPIPE') io.exit(EXIT.ok)
  throw thrown
})

const program = new Command('tillbridge')
  .description('Store gateway: terminals in, every sale in the ledger of HQ exactly once.')
  .version(softwareVersion())
const all = Object.entries(COMMANDS)
const asked = all.filter(([name]) => name === process.argv[2])
for (const [, load] of asked.length > 0 ? asked : all) program.addCommand((await load())(io))
for (const command of allOf(program))
  command.configureHelp({ showGlobalOptions: true, optionDescription }).exitOverride(error => {
    io.exit(error.exitCode === 0 ? EXIT.ok : EXIT.usage)
  })
await program.parseAsync()

function allOf(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(allOf)]
}

function optionDescription(option: Option): string {
  const text = new Help().optionDescription(option)
  return option.mandatory ? `${text} (required)` : text
}
