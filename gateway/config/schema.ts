import { z } from 'zod'
import { bluetooth } from './ble.js'
import { broker, ownTopicFaults, publishingFaults } from './broker.js'
import {
  brokerUrl,
  diskSize,
  host,
  hours,
  path,
  portNumber,
  publicKey,
  storeName,
  terminalName,
  timeZone,
} from './fields.js'
import { bus, sharingFaults, terminalLine } from './line.js'

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
    /** Whose signature HQ's commands and documents must bear: the current key, and the next one. */
    keys: z.array(publicKey).max(2).default([]),
    /** Commands that a second person must sign as well, with a key that commands nothing alone. */
    twoPerson: z
      .strictObject({
        keys: z.array(publicKey).min(1).max(4),
        verbs: z.array(text).min(1).max(40),
      })
      .exactOptional(),
  })
  .superRefine((section, context) => {
    const { keys, twoPerson } = section
    if (twoPerson?.keys.some(key => keys.includes(key)) !== true) return
    const message = 'expected keys of other people; write none of hq.keys'
    context.addIssue({ code: 'custom', path: ['twoPerson', 'keys'], message })
  })
  .superRefine((section, context) => {
    if (section.password === undefined || section.passwordFile === undefined) return
    const message = 'expected password or passwordFile, not both; write `passwordFile` alone'
    context.addIssue({ code: 'custom', path: ['password'], message })
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
  line: terminalLine,
  /** Which of the devices on its line it is, where they have numbers. */
  address: z.int().min(0).max(255).exactOptional(),
  /** HQ may write any bytes to it (`write-raw`), whatever its dialect declares. */
  rawWrite: z.boolean().exactOptional(),
})

/** A tender on a till's receipt is asked of a payment terminal; the till reads its answer. */
const paymentRule = z.strictObject({
  from: terminalName,
  tender: z.enum(['card', 'mobile', 'voucher', 'other']).default('card'),
  terminal: terminalName,
  /** What the terminal takes: a tender in another currency is not asked of it. */
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/)
    .meta({ description: 'a currency by its ISO 4217 code', examples: ['EUR'] }),
})

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
    updates: z
      .strictObject({
        /** balena's update lock; without its folder nothing is locked. */
        lock: path.default('/tmp/balena/updates.lock'),
        /** Hours of the shop's day in which an update may come; left out: at any. */
        quiet: hours.exactOptional(),
        /** So many records that HQ has not confirmed keep an update away. */
        backlog: z.int().min(1).max(10_000_000).default(20_000),
        /** Time a new version has to prove itself on the sale flow, HQ's receipt and all. */
        proveMinutes: z.int().min(1).max(60).default(5),
      })
      .prefault({}),
    /** A file that shows a container's health check that this process is of use. */
    healthFile: path.exactOptional(),
    /** Prometheus metrics and health, on the loopback alone. */
    metrics: z.strictObject({ port: portNumber }).exactOptional(),
    hq,
    broker: broker.prefault({}),
    bluetooth: bluetooth.prefault({}),
    /** Folders of profiles beside the built-in ones. */
    profiles: z.array(path).max(20).default([]),
    /** Profiles to use although their own cases do not pass. */
    profilesUnproven: z.array(profileName).max(64).default([]),
    /** Lines that several terminals share. */
    buses: z.array(bus).max(16).default([]),
    terminals: z.array(terminal).max(256).default([]),
    /** Payments that a till asks a terminal for by its receipts. */
    payments: z.array(paymentRule).max(64).default([]),
  })
  .meta({ description: 'the sections of a shop', examples: ['store: store-001'] })
  .superRefine((config, context) => {
    for (const { path, message } of [
      ...sharingFaults(config),
      ...publishingFaults(config),
      ...ownTopicFaults(config),
      ...strangersIn(config),
    ])
      context.addIssue({ code: 'custom', path: [...path], message })
  })
  .transform(config => ({
    ...config,
    hq: { ...config.hq, username: config.hq.username ?? config.store },
  }))

/** How one shop is set up. Every path in it is absolute, every default filled in. */
export type ShopConfig = z.infer<typeof shopConfigSchema>

/** Rules that name a terminal which the shop has not. */
function* strangersIn({
  payments,
  terminals,
}: {
  readonly payments: readonly z.infer<typeof paymentRule>[]
  readonly terminals: readonly { readonly id: string }[]
}): Iterable<{ readonly path: readonly (string | number)[]; readonly message: string }> {
  const ids = terminals.map(({ id }) => id)
  for (const [index, rule] of payments.entries())
    for (const end of ['from', 'terminal'] as const)
      if (!ids.includes(rule[end])) {
        const message = `expected a terminal of this shop; write one of ${ids.join(', ')}`
        yield { path: ['payments', index, end], message }
      }
}
