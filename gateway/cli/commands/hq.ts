import { Command, InvalidArgumentError, Option } from 'commander'
import { brokerUrl, endpoint } from '../../config/fields.js'
import { loadHqClients } from '../../config/hq-clients.js'
import { systemClock } from '../../core/clock.js'
import { createLogger } from '../../core/log.js'
import { DEFAULT_TOPIC_ROOT, topicsUnder } from '../../wire/topics.js'
import { EXIT, exitCodeOf } from '../exit-codes.js'
import { LEDGER_OPTIONS, type LedgerFlags, ledgerPlaceOf, textOf } from '../hq-ledger.js'
import { type HqBroker, runHq } from '../hq-process.js'
import type { CliIo } from '../io.js'
import { logDestination } from '../log-destination.js'
import { logFailure } from '../log-failure.js'
import { stopSignal } from '../stop-signal.js'
import { type AuthorityFlags, openRegister } from '../stores-flags.js'
import { hqBackupCommand, hqStatusCommand } from './hq-backup.js'
import { hqDocumentCommand } from './hq-document.js'
import { hqExportCommand } from './hq-export.js'
import { hqKeyCommand } from './hq-key.js'
import { hqRolloutCommand } from './hq-rollout.js'
import { hqStatementCommand } from './hq-statement.js'
import { hqStoresCommand } from './hq-stores.js'

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

interface HqFlags extends LedgerFlags, AuthorityFlags {
  readonly listen: string
  readonly clients?: string
  readonly broker?: string
  readonly username?: string
  readonly passwordFile?: string
  readonly ca?: string
  readonly name?: string
  readonly topicRoot: string
  readonly logLevel: string
}

/** `tillbridge hq`: ledger, receiver and fan-out, with a broker of its own or beside another. */
export function hqCommand(io: CliIo): Command {
  const command = new Command('hq').description(
    "HQ's side: the ledger, its receipts, and events for subscribers (docs/hq.md)",
  )
  for (const option of LEDGER_OPTIONS) command.addOption(option)
  return command
    .option('--broker <url>', 'a broker that runs elsewhere, mqtt:// or mqtts://', checkedUrl)
    .option('--username <name>', 'user at that broker')
    .option('--password-file <file>', 'a file that holds nothing but its password')
    .option('--ca <file>', 'PEM of the authorities to trust, where not the system’s')
    .option(
      '--listen <address>',
      'without --broker: where its own broker listens',
      '127.0.0.1:1883',
    )
    .option('--clients <file>', 'without --broker: who may use it, YAML (docs/hq.md)')
    .option('--name <name>', 'tells several `hq` on one --ledger apart at the broker', checkedName)
    .option('--topic-root <root>', 'root of every topic', checkedRoot, DEFAULT_TOPIC_ROOT)
    .option('--authority <dir>', 'renew certificates of stores: the folder of who issues them')
    .option('--certificate-days <days>', 'how long those count', wholeDays, 365)
    .addOption(new Option('--log-level <level>').choices(LOG_LEVELS).default('info'))
    .addCommand(hqExportCommand(io))
    .addCommand(hqBackupCommand(io))
    .addCommand(hqStatusCommand(io))
    .addCommand(hqStatementCommand(io))
    .addCommand(hqKeyCommand(io))
    .addCommand(hqRolloutCommand(io))
    .addCommand(hqDocumentCommand(io))
    .addCommand(hqStoresCommand(io))
    .action(async (flags: HqFlags) => {
      const logger = createLogger({ level: flags.logLevel, destination: logDestination() })
      const signal = stopSignal({ clock: systemClock, exit: io.exit })
      const { topicRoot, name } = flags
      const place = ledgerPlaceOf(flags, io)
      const broker = brokerOf(flags, io)
      try {
        const { authority } = flags
        const more = {
          ...(name === undefined ? {} : { name }),
          ...(authority === undefined ? {} : { register: await openRegister(authority, flags) }),
        }
        await runHq({ place, topicRoot, broker, logger, ...more }, signal)
        io.exit(EXIT.ok)
      } catch (thrown) {
        logFailure(logger, thrown)
        io.exit(exitCodeOf(thrown))
      }
    })
}

function wholeDays(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('expected days from 1; write --certificate-days 365')
}

function checkedUrl(text: string): string {
  if (brokerUrl.safeParse(text).success) return text
  throw new InvalidArgumentError('expected a broker; write mqtts://hq.example:8883')
}

function checkedName(text: string): string {
  if (/^[a-z0-9-]{1,40}$/.test(text)) return text
  throw new InvalidArgumentError('expected letters, digits and hyphens; write --name b')
}

function checkedRoot(text: string): string {
  try {
    topicsUnder(text)
    return text
  } catch {
    throw new InvalidArgumentError(`expected a topic; write ${DEFAULT_TOPIC_ROOT}`)
  }
}

function brokerOf(flags: HqFlags, io: CliIo): HqBroker {
  const { broker: url, username, passwordFile, ca: caFile } = flags
  if (url === undefined) {
    const listen = endpoint.safeParse(flags.listen)
    if (listen.success)
      return { type: 'embedded', listen: listen.data, clients: clientsOf(flags.clients, io) }
    io.complain('--listen: expected an address and a port; write --listen 127.0.0.1:1883')
    return io.exit(EXIT.usage)
  }
  return {
    type: 'remote',
    url,
    ...(username === undefined ? {} : { username }),
    ...(passwordFile === undefined
      ? {}
      : { password: textOf({ flag: '--password-file', file: passwordFile }, io) }),
    ...(caFile === undefined ? {} : { ca: textOf({ flag: '--ca', file: caFile }, io) }),
  }
}

function clientsOf(
  file: string | undefined,
  io: CliIo,
): Extract<HqBroker, { type: 'embedded' }>['clients'] {
  if (file === undefined) return []
  const loaded = loadHqClients(file)
  if (loaded.ok) return loaded.value
  for (const fault of loaded.error) io.complain(fault)
  return io.exit(EXIT.usage)
}
