import { type Command, InvalidArgumentError, Option } from 'commander'
import { brokerUrl } from '../config/fields.js'
import { isStoreId, STORE_ID_RULE, type StoreId } from '../core/ids.js'
import { parseBrokerUrl } from '../mqtt/broker-url.js'
import type { MqttAddress } from '../mqtt/mqtt-session.js'
import { DEFAULT_TOPIC_ROOT, type Topics, topicsUnder } from '../wire/topics.js'
import { EXIT } from './exit-codes.js'
import { HqClient } from './hq-client.js'
import { readHqKey } from './hq-key-file.js'
import { textOf } from './hq-ledger.js'
import type { CliIo } from './io.js'

/** How HQ's broker is reached. */
export interface HqBrokerFlags {
  readonly broker: string
  readonly username?: string
  readonly passwordFile?: string
  readonly ca?: string
  readonly topicRoot: string
}

/** The flags of every command by which HQ reaches into a shop. */
export interface HqClientFlags extends HqBrokerFlags {
  readonly store: StoreId
  readonly key: string
  readonly secondKey?: string
  readonly as?: string
}

/** Adds them to a command. */
export function withHqClientFlags(command: Command): Command {
  return withHqBrokerFlags(command)
    .addOption(
      new Option('--store <store>', 'which shop').argParser(storeNamed).makeOptionMandatory(),
    )
    .addOption(keyOption())
    .addOption(secondKeyOption())
    .option('--as <name>', "who asks: it stands in the shop's journal; you, without")
}

export function keyOption(): Option {
  return new Option('--key <file>', 'what `keys new` wrote').makeOptionMandatory()
}

export function secondKeyOption(): Option {
  return new Option('--second-key <file>', 'of a second person, for what takes two (hq.twoPerson)')
}

export function withHqBrokerFlags(command: Command): Command {
  const options = [
    new Option('--broker <url>', "HQ's broker, mqtt:// or mqtts://")
      .argParser(brokerAt)
      .default('mqtt://127.0.0.1:1883'),
    new Option('--username <name>', 'user at that broker'),
    new Option('--password-file <file>', 'a file that holds nothing but its password'),
    new Option('--ca <file>', 'PEM of the authorities to trust, where not the system’s'),
    new Option('--topic-root <root>', 'root of every topic').default(DEFAULT_TOPIC_ROOT),
  ]
  for (const option of options) command.addOption(option)
  return command
}

/** Not started yet. A flag that leads nowhere ends the command. */
export async function hqClientOf(flags: HqClientFlags, io: CliIo): Promise<HqClient> {
  const { key: file, secondKey, as } = flags
  const key = await readHqKey(file, io)
  return new HqClient({
    ...hqBrokerOf(flags, io),
    key,
    ...(secondKey === undefined ? {} : { second: await readHqKey(secondKey, io) }),
    issuer: (as ?? io.env['USER'] ?? 'hq').slice(0, 80) || 'hq',
  })
}

/** Where HQ's broker is, and the topics at it. A flag that leads nowhere ends the command. */
export function hqBrokerOf(
  flags: HqBrokerFlags,
  io: CliIo,
): { readonly address: Omit<MqttAddress, 'clientId'>; readonly topics: Topics } {
  const { broker, username, passwordFile, ca, topicRoot } = flags
  const { host, port, secure } = parseBrokerUrl(broker)
  const text = (flag: string, path: string): string => textOf({ flag, file: path }, io)
  return {
    address: {
      host,
      port,
      ...(username === undefined ? {} : { username }),
      ...(passwordFile === undefined ? {} : { password: text('--password-file', passwordFile) }),
      ...(secure ? { tls: ca === undefined ? {} : { ca: text('--ca', ca) } } : {}),
    },
    topics: topicsOf(topicRoot, io),
  }
}

export function storeNamed(text: string): StoreId {
  if (isStoreId(text)) return text
  throw new InvalidArgumentError(`expected a store id: ${STORE_ID_RULE}; write store-001`)
}

function brokerAt(text: string): string {
  if (brokerUrl.safeParse(text).success) return text
  throw new InvalidArgumentError('expected a broker; write mqtts://hq.example:8883')
}

function topicsOf(root: string, io: CliIo): Topics {
  try {
    return topicsUnder(root)
  } catch {
    io.complain(`--topic-root: expected a topic; write ${DEFAULT_TOPIC_ROOT}`)
    return io.exit(EXIT.usage)
  }
}
