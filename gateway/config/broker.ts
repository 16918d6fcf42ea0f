import { z } from 'zod'
import { filtersMeet } from '../core/topic-filter.js'
import { endpoint, path, topicFilter } from './fields.js'

const passwordHash = z
  .string()
  .regex(/^scrypt(?:\$\d+){3}(?:\$[A-Za-z0-9+/=]+){2}$/)
  .meta({ description: 'the hash of a password', examples: ['scrypt$N$r$p$salt$hash'] })

export const brokerClient = z.strictObject({
  name: z.string().min(1),
  passwordHash,
  read: z.array(topicFilter).default([]),
  write: z.array(topicFilter).default([]),
})

const limits = z.strictObject({
  connections: z.int().min(1).max(500).exactOptional(),
  /** Who says more is read slower. */
  messagesPerSecond: z.int().min(1).max(100_000).exactOptional(),
  payloadBytes: z.int().min(1).max(65_532).exactOptional(),
  subscriptions: z.int().min(0).max(1000).exactOptional(),
  retainedTopics: z.int().min(0).max(1000).exactOptional(),
})

/** What a client may take where the configuration says nothing. */
const LIMITS_OF_A_CLIENT = {
  connections: 4,
  messagesPerSecond: 100,
  payloadBytes: 65_532,
  subscriptions: 32,
  retainedTopics: 32,
}

const shopClient = brokerClient.extend({
  /** Without one it comes with a certificate in its name, which `tls.clientCaFile` signed. */
  passwordHash: passwordHash.exactOptional(),
  limits: limits.exactOptional(),
})

const tls = z.strictObject({
  listen: endpoint.exactOptional(),
  websocket: endpoint.exactOptional(),
  certFile: path,
  keyFile: path,
  clientCaFile: path.exactOptional(),
})

const section = z
  .strictObject({
    listen: endpoint.prefault('127.0.0.1:1883'),
    websocket: endpoint.exactOptional(),
    tls: tls.exactOptional(),
    limits: limits.exactOptional(),
    clients: z.array(shopClient).max(250).default([]),
  })
  .superRefine(({ clients, tls: secure }, context) => {
    const refuse = (at: readonly (string | number)[], message: string): void =>
      context.addIssue({ code: 'custom', path: [...at], message })
    if (secure !== undefined && (secure.listen ?? secure.websocket) === undefined)
      refuse(['tls'], 'expected listen or websocket; write `listen: 0.0.0.0:8883`')
    const names = clients.map(({ name }) => name)
    for (const [index, { name, passwordHash: hash }] of clients.entries()) {
      if (names.indexOf(name) < index)
        refuse(['clients', index, 'name'], `expected a name of its own; write \`${name}-2\``)
      if (hash === undefined && secure?.clientCaFile === undefined)
        refuse(
          ['clients', index],
          'expected a passwordHash, or an authority for certificates; write `tls.clientCaFile`',
        )
    }
  })
  .transform(({ limits: ofEach, clients, ...doors }) => {
    const base = { ...LIMITS_OF_A_CLIENT, ...ofEach }
    return {
      ...doors,
      limits: base,
      clients: clients.map(client => ({ ...client, limits: { ...base, ...client.limits } })),
    }
  })

export const broker = z.union([z.literal('off'), section])

export type BrokerConfig = z.output<typeof section>

/** Who could say what shop subscribers hear as the gateway's own word, or HQ's. */
export function* ownTopicFaults(config: {
  readonly broker: z.output<typeof broker>
  readonly hq: { readonly topicRoot: string }
  readonly terminals: readonly {
    readonly line: { readonly type: string; readonly topic?: string }
  }[]
}): Iterable<{ readonly path: readonly (string | number)[]; readonly message: string }> {
  const { broker: shop, hq, terminals } = config
  const own = `${hq.topicRoot}/#`
  const outside = `expected topics outside ${own}, where only the gateway speaks; write shop/…`
  const clients = shop === 'off' ? [] : shop.clients
  for (const [index, { write }] of clients.entries())
    for (const [nth, filter] of write.entries())
      if (filtersMeet(own, filter))
        yield { path: ['broker', 'clients', index, 'write', nth], message: outside }
  for (const [index, { line }] of terminals.entries())
    if (line.topic !== undefined && filtersMeet(own, line.topic))
      yield { path: ['terminals', index, 'line', 'mqtt', 'topic'], message: outside }
}

/** Terminals that publish to a broker, and what keeps them from being heard there. */
export function* publishingFaults(config: {
  readonly broker: z.output<typeof broker>
  readonly terminals: readonly {
    readonly firmware?: string | undefined
    readonly line: { readonly type: string; readonly client?: string }
  }[]
}): Iterable<{ readonly path: readonly (string | number)[]; readonly message: string }> {
  const names = config.broker === 'off' ? [] : config.broker.clients.map(({ name }) => name)
  for (const [index, { line, firmware }] of config.terminals.entries()) {
    if (line.type !== 'mqtt') continue
    const at = ['terminals', index]
    if (line.client === undefined || !names.includes(line.client)) {
      const choices = names.join(', ') || 'a section `broker.clients`'
      const message = `expected one of broker.clients; write ${choices}`
      yield { path: [...at, 'line', 'mqtt', 'client'], message }
    }
    if (firmware === undefined) {
      const message = "expected the firmware, which nobody can ask for there; write `'1.0'`"
      yield { path: [...at, 'firmware'], message }
    }
  }
}
