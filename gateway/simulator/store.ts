import { join } from 'node:path'
import { stringify } from 'yaml'
import { storeAccess } from '../broker/access-rules.js'
import type { StoreId } from '../core/ids.js'
import type { Random } from '../core/random.js'
import type { ProfileRegistry } from '../profile/registry.js'
import { hashPassword } from '../security/password.js'
import { DEFAULT_TOPIC_ROOT } from '../wire/topics.js'
import {
  openSimulatedTerminal,
  profileOf,
  type SimulatedTerminal,
  type TerminalOptions,
} from './simulated-terminal.js'

const TIME_ZONE = 'UTC'

/** Where everything of a simulated shop lies, under its one data directory. */
export function storePaths(dataDir: string) {
  const at = (...parts: readonly string[]): string => join(dataDir, ...parts)
  return {
    config: at('shop.yaml'),
    hqClients: at('hq-clients.yaml'),
    gateway: at('gateway'),
    hq: at('hq'),
    hqSocket: at('hq', 'query.sock'),
    tills: at('tills'),
    tillLog: (id: string): string => at('tills', `${id}.ndjson`),
    port: (id: string): string => at('dev', id),
    log: (name: string): string => at('log', `${name}.log`),
  } as const
}

/** The demo's terminals: two makes of till and one of everything else. */
export function demoTerminals(dataDir: string): readonly TerminalOptions[] {
  const paths = storePaths(dataDir)
  const common = (id: string) => ({ id, link: paths.port(id), timeZone: TIME_ZONE })
  const register = (id: string, model: 'lrc' | 'binary') =>
    ({ ...common(id), kind: { type: 'register', model, log: paths.tillLog(id) } }) as const
  return [
    { ...register('register-1', 'lrc'), perMinute: 30, seed: 1 },
    { ...register('register-2', 'binary'), perMinute: 20, seed: 2 },
    { ...common('scanner-1'), kind: { type: 'scanner' }, perMinute: 12, seed: 3 },
    { ...common('scale-1'), kind: { type: 'scale' }, perMinute: 6, seed: 4 },
    { ...common('payment-1'), kind: { type: 'payment' }, perMinute: 6, seed: 5 },
  ]
}

/** The configuration with which `tillbridge run` serves these terminals; paths are absolute. */
export function shopYaml(options: {
  readonly store: string
  readonly dataDir: string
  readonly hqPort: number
  /** Of the user named as the store; without, HQ's broker asks for none. */
  readonly hqPassword?: string
  readonly brokerPort: number
  readonly terminals: readonly TerminalOptions[]
  /** Further terminals, as the configuration has them. */
  readonly others?: readonly object[]
}): string {
  const { hqPort, hqPassword: password } = options
  return stringify({
    store: options.store,
    timeZone: TIME_ZONE,
    dataDir: options.dataDir,
    hq: { url: `mqtt://127.0.0.1:${hqPort}`, ...(password === undefined ? {} : { password }) },
    broker: { listen: `127.0.0.1:${options.brokerPort}` },
    terminals: [
      ...options.terminals.map(({ id, kind, link }) => {
        const { profile, firmware } = profileOf(kind)
        return { id, profile, firmware, line: { serial: { path: link } } }
      }),
      ...(options.others ?? []),
    ],
  })
}

/** Who may use HQ's own broker: the store within its topics, and a listener to every event. */
export async function hqClientsYaml(options: {
  readonly store: StoreId
  readonly storePassword: string
  readonly listener: { readonly name: string; readonly password: string }
  readonly random: Random
}): Promise<string> {
  const { store, storePassword, listener, random } = options
  const root = DEFAULT_TOPIC_ROOT
  return stringify({
    clients: [
      {
        name: store,
        passwordHash: await hashPassword(storePassword, random),
        ...storeAccess({ root, store, mode: 'ledger' }),
      },
      {
        name: listener.name,
        passwordHash: await hashPassword(listener.password, random),
        read: [`${root}/+/events/#`],
      },
    ],
  })
}

/** A shop's terminals in one process, all at once on their own lines. */
export class SimulatedStore {
  readonly #terminals: readonly SimulatedTerminal[]

  /** Plugs all of them in. @throws TillbridgeError TB_PTY_UNAVAILABLE, TB_PROFILE_UNKNOWN */
  constructor(options: {
    readonly terminals: readonly TerminalOptions[]
    readonly registry: ProfileRegistry
  }) {
    const { terminals, registry } = options
    this.#terminals = terminals.map(terminal => openSimulatedTerminal(terminal, registry))
  }

  /** Until the signal aborts and every till has finished the sale in hand, if it could. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#terminals.map(terminal => terminal.run(signal)))
  }
}
