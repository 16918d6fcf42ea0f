import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { systemClock } from '../../gateway/core/clock.js'
import { systemRandom } from '../../gateway/core/random.js'
import { type SigningKey, signingKeyOf } from '../../gateway/security/signature.js'
import { SupervisedProcess } from '../../gateway/simulator/supervised-process.js'
import { type HqBroker, startHqBroker } from './hq-broker.js'
import { type Ended, ended, MAIN, startProgram } from './program.js'

/** HQ of a fleet as it is deployed: its broker, its key, `tillbridge hq`, what an operator does. */
export class FleetHq {
  readonly #t: Test
  readonly broker: HqBroker
  readonly key: SigningKey
  readonly server: SupervisedProcess

  private constructor(t: Test, broker: HqBroker) {
    this.#t = t
    this.broker = broker
    this.key = signingKeyOf(systemRandom.bytes(32))
    writeFileSync(this.#keyFile, this.key.toPem(), { mode: 0o600 })
    this.server = supervised(t, {
      name: 'hq',
      folder: broker.folder,
      args: ['hq', ...this.#flags],
      env: {},
    })
  }

  static async start(t: Test): Promise<FleetHq> {
    const hq = new FleetHq(t, await startHqBroker(t))
    hq.server.start()
    return hq
  }

  get ledger(): string {
    return join(this.broker.folder, 'ledger')
  }

  /** `tillbridge hq …`, as an operator at HQ calls it. */
  run(...args: readonly string[]): Promise<Ended> {
    return ended(startProgram(this.#t, [process.execPath, MAIN, 'hq', ...args, ...this.#flags]))
  }

  /** As `run`, where it signs. */
  sign(...args: readonly string[]): Promise<Ended> {
    return this.run(...args, '--key', this.#keyFile)
  }

  /** The variables of the fleet, and of one device. */
  variables(device: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
    const { port, storesPort, ca } = this.broker
    return {
      TILLBRIDGE_HQ_URL: `mqtts://localhost:${storesPort}`,
      TILLBRIDGE_HQ_CA: Buffer.from(ca).toString('base64'),
      TILLBRIDGE_HQ_KEYS: this.key.publicKey,
      TILLBRIDGE_FLEET_URL: `mqtts://localhost:${port}`,
      TILLBRIDGE_FLEET_PASSWORD: this.broker.password('enrol'),
      ...device,
    }
  }

  get #keyFile(): string {
    return join(this.broker.folder, 'hq.key')
  }

  get #flags(): readonly string[] {
    const { port, caFile, authority } = this.broker
    return [
      ...['--data', this.ledger, '--authority', authority],
      ...['--broker', `mqtts://localhost:${port}`, '--ca', caFile],
      ...['--username', 'hq', '--password-file', this.broker.passwordFile('hq')],
    ]
  }
}

/** A Pi with nothing but variables and an empty card. */
export class FleetGateway {
  readonly dataDir: string
  readonly process: SupervisedProcess
  readonly #log: string

  constructor(
    t: Test,
    given: { readonly hq: FleetHq; readonly name: string; readonly store: string },
  ) {
    const { hq, name, store } = given
    const { folder } = hq.broker
    this.dataDir = join(folder, name)
    this.#log = join(folder, `${name}.log`)
    mkdirSync(this.dataDir)
    this.process = supervised(t, {
      name,
      folder,
      args: ['run'],
      env: hq.variables({ TILLBRIDGE_STORE_ID: store, TILLBRIDGE_DATA_DIR: this.dataDir }),
    })
  }

  get log(): string {
    return readFileSync(this.#log, 'utf8')
  }

  /** What it says, each time that it starts or is asked to wait on. */
  get fingerprints(): readonly string[] {
    return [...this.log.matchAll(/its fingerprint: ([0-9a-f-]+)/g)].map(([, found = '']) => found)
  }
}

function supervised(
  t: Test,
  child: {
    readonly name: string
    readonly folder: string
    readonly args: readonly string[]
    readonly env: Readonly<Record<string, string>>
  },
): SupervisedProcess {
  const { NODE_OPTIONS: _, ...env } = process.env
  const running = new SupervisedProcess({
    args: [MAIN, ...child.args],
    env: { ...env, ...child.env },
    logPath: join(child.folder, `${child.name}.log`),
    clock: systemClock,
  })
  t.teardown(() => running.stop(10_000))
  return running
}
