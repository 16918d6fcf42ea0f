import { z } from 'zod'
import { PORT_NAME } from '../core/port-name.js'
import {
  brokerUrl,
  diskSize,
  endpoint,
  host,
  path,
  portNumber,
  storeName,
  terminalName,
  timeZone,
  topicFilter,
} from './fields.js'

const text = z.string().min(1)

const tls = z
  .strictObject({
    /** PEM file of the authorities to trust; the system's own where it is left out. */
    caFile: path.exactOptional(),
    /** The client certificate and its key: both, or none. */
    certFile: path.exactOptional(),
    keyFile: path.exactOptional(),
    /** The name to expect in the server's certificate where it is not the host of the URL. */
    serverName: host.exactOptional(),
  })
  .superRefine((section, context) => {
    if ((section.certFile === undefined) === (section.keyFile === undefined)) return
    const missing = section.certFile === undefined ? 'certFile' : 'keyFile'
    const message = `expected certFile and keyFile together; write \`${missing}: ./client.pem\``
    context.addIssue({ code: 'custom', path: [], message })
  })

const hq = z
  .strictObject({
    url: brokerUrl,
    /** `ledger`: HQ's ledger confirms; `direct`: the broker's PUBACK does (sync.md). */
    mode: z.enum(['ledger', 'direct']).default('ledger'),
    topicRoot: z
      .string()
      .regex(/^[^/+#\s][^+#\s]*$/)
      .meta({ description: 'the root of every topic', examples: ['tillbridge/1'] })
      .default('tillbridge/1'),
    /** The store's id where it is left out: HQ's access rules go by it. */
    username: text.exactOptional(),
    password: text.exactOptional(),
    /** A file that holds nothing but the password; read once, at start. */
    passwordFile: path.exactOptional(),
    tls: tls.exactOptional(),
  })
  .superRefine((section, context) => {
    if (section.password === undefined || section.passwordFile === undefined) return
    const message = 'expected password or passwordFile, not both; write `passwordFile` alone'
    context.addIssue({ code: 'custom', path: ['password'], message })
  })

export const brokerClient = z.strictObject({
  name: text,
  passwordHash: z
    .string()
    .regex(/^scrypt(?:\$\d+){3}(?:\$[A-Za-z0-9+/=]+){2}$/)
    .meta({ description: 'the hash of a password', examples: ['scrypt$N$r$p$salt$hash'] }),
  read: z.array(topicFilter).default([]),
  write: z.array(topicFilter).default([]),
})

const broker = z.union([
  z.literal('off'),
  z.strictObject({
    listen: endpoint.prefault('127.0.0.1:1883'),
    clients: z.array(brokerClient).max(200).default([]),
  }),
])

/** How the adapter drives a two-wire line (Linux `struct serial_rs485`). */
const rs485 = z.strictObject({
  /** The level of RTS while sending; it is the other one while not. */
  rtsOnSend: z.boolean().default(true),
  delayBeforeSendMs: z.int().min(0).max(100).default(0),
  delayAfterSendMs: z.int().min(0).max(100).default(0),
  /** Whether the adapter also hears what it sends. */
  receiveWhileSending: z.boolean().default(false),
})

const serialLine = z.strictObject({
  path: z
    .string()
    .refine(text => text.startsWith('/') || PORT_NAME.test(text), {
      error: 'expected the path of a port, or its adapter as `usb:0403:6001`; write `/dev/ttyUSB0`',
    })
    .meta({
      description: 'the path of a port, best its name under /dev/serial/by-id, or its USB adapter',
      examples: ['/dev/ttyUSB0'],
    }),
  /** Each overrides what the terminal's dialect says. */
  baudRate: z.int().min(50).max(4_000_000).exactOptional(),
  dataBits: z.literal([7, 8]).exactOptional(),
  parity: z.enum(['none', 'even', 'odd']).exactOptional(),
  stopBits: z.literal([1, 2]).exactOptional(),
  rs485: rs485.exactOptional(),
})

const networkLine = z.strictObject({ host, port: portNumber })

/** The register prints to `listen`; every byte goes on to the printer at `forward`, and back. */
const printerLine = z.strictObject({ listen: networkLine, forward: networkLine })

const line = z
  .strictObject({
    serial: serialLine.exactOptional(),
    tcp: networkLine.exactOptional(),
    listen: networkLine.exactOptional(),
    printer: printerLine.exactOptional(),
  })
  .meta({
    description: 'exactly one of serial, tcp, listen, printer',
    examples: ['{ serial: { path: /dev/ttyUSB0 } }'],
  })
  .transform(({ serial, tcp, listen, printer }, context) => {
    const [only, ...more] = [
      ...(serial === undefined ? [] : [{ type: 'serial' as const, ...serial }]),
      ...(tcp === undefined ? [] : [{ type: 'tcp' as const, ...tcp }]),
      ...(listen === undefined ? [] : [{ type: 'listen' as const, ...listen }]),
      ...(printer === undefined ? [] : [{ type: 'printer' as const, ...printer }]),
    ]
    if (only !== undefined && more.length === 0) return only
    const message =
      'expected exactly one of serial, tcp, listen, printer; write the one it is plugged into'
    context.addIssue({ code: 'custom', message })
    return z.NEVER
  })

const profileName = z
  .string()
  .regex(/^[a-z0-9-]+\/[a-z0-9-]+$/)
  .meta({ description: 'vendor/model as a profile', examples: ['tillbridge/reference-till'] })

const terminal = z.strictObject({
  id: terminalName,
  profile: profileName,
  /** It may be left out where the profile says how to ask for it. */
  firmware: text
    .meta({ description: "the terminal's firmware", examples: ["'1.0'"] })
    .exactOptional(),
  line,
})

const terminals = z
  .array(terminal)
  .max(64)
  .superRefine((list, context) => {
    for (const [index, { id, line }] of list.entries()) {
      const address = addressOf(line)
      const sameId = list.findIndex(other => other.id === id)
      // Adapters of one name may be several: the terminals behind them are told apart.
      const isShared = PORT_NAME.test(address)
      const sameLine = list.findIndex(other => addressOf(other.line) === address && !isShared)
      if (sameId < index) {
        const message = `expected an id of its own, terminals.${sameId} has it; write \`${id}-2\``
        context.addIssue({ code: 'custom', path: [index, 'id'], message })
      }
      if (sameLine >= 0 && sameLine < index) {
        const message = `expected a line of its own, terminals.${sameLine} is on ${address}`
        const write = 'write the port that this terminal is plugged into'
        context.addIssue({ code: 'custom', path: [index, 'line'], message: `${message}; ${write}` })
      }
    }
  })

function addressOf(line: LineConfig): string {
  if (line.type === 'serial') return line.path
  const { host: name, port } = line.type === 'printer' ? line.listen : line
  return `${name}:${port}`
}

/** What a shop's YAML may hold. Descriptions and examples become the operator's error messages. */
export const shopConfigSchema = z
  .strictObject({
    store: storeName,
    timeZone: timeZone.default('UTC'),
    /** Journal and everything else that must outlive a restart. */
    dataDir: path.default('/var/lib/tillbridge'),
    journal: z
      .strictObject({
        /** What the journal may take up; nothing is taken beyond it. */
        quota: diskSize.prefault('80%'),
        /** Free room on the disk that is kept for money. */
        keepFree: diskSize.prefault('5%'),
        /** Folder on another disk: what is written there, too, before a terminal is answered. */
        copy: path.exactOptional(),
      })
      .prefault({}),
    log: z
      .strictObject({
        level: z
          .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
          .default('info'),
      })
      .prefault({}),
    hq,
    broker: broker.prefault({}),
    /** Folders of profiles beside the built-in ones. */
    profiles: z.array(path).max(20).default([]),
    /** Profiles to use although their own cases do not pass. */
    profilesUnproven: z.array(profileName).max(64).default([]),
    terminals: terminals.default([]),
  })
  .meta({ description: 'the sections of a shop', examples: ['store: store-001'] })
  .transform(config => ({
    ...config,
    hq: { ...config.hq, username: config.hq.username ?? config.store },
  }))

/** How one shop is set up. Every path in it is absolute, every default filled in. */
export type ShopConfig = z.infer<typeof shopConfigSchema>

export type LineConfig = z.infer<typeof line>
