import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { HqClient } from '../../gateway/cli/hq-client.js'
import { systemClock } from '../../gateway/core/clock.js'
import { terminalId } from '../../gateway/core/ids.js'
import { type Random, seededRandom } from '../../gateway/core/random.js'
import { signingKeyOf } from '../../gateway/security/signature.js'
import { SupervisedProcess } from '../../gateway/simulator/supervised-process.js'
import { below } from '../../gateway/simulator/till-sale.js'
import type { CommandOutcome } from '../../gateway/wire/command.js'
import { DEFAULT_TOPIC_ROOT, topicsUnder } from '../../gateway/wire/topics.js'
import { type Mosquitto, startMosquitto } from '../support/mosquitto.js'
import { STORE } from '../support/sample.js'
import { type Finding, Tally, type UnitResult } from './unit.js'
import { WitnessedTerminal } from './witnessed-terminal.js'

const CLI = 'build/gateway/cli/main.js'
const TERMINAL = terminalId('payment-1')
/** Pieces of a conversation, from before the first to behind the last. */
const STEPS = 14
const LIFETIME_MS = 30_000
/** Longer than a terminal at work is waited for (T4, three minutes): then it is asked anew. */
const PATIENCE_MS = 240_000

export interface PaymentKillOptions {
  readonly unit: number
  readonly seed: number
  readonly kills: number
  readonly directory: string
  /** Where a finding is kept. */
  readonly keep: string
}

/**
 * HQ has a terminal authorise one payment after the other, and the gateway is killed somewhere in
 * each conversation. The terminal's own log says how often it was asked for each; what HQ hears in
 * the end must be what the terminal did.
 */
export async function killPayments(options: PaymentKillOptions): Promise<UnitResult> {
  const { unit, seed, kills, directory, keep } = options
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory, { recursive: true })
  const shop = await PayingShop.open(directory, seededRandom(seed))
  const findings: Finding[] = []
  try {
    // A terminal that never did anything has nothing to say when it is asked what was last.
    while (!shop.hasPaid) await shop.pay({ isKilled: false })
    while (shop.kills < kills) {
      const what = await shop.pay({ isKilled: true })
      const point = `kill ${shop.kills}`
      if (what.length === 0) continue
      const kept = join(keep, `${unit}-${shop.kills}`)
      cpSync(directory, kept, { recursive: true })
      findings.push({ unit, point, what, kept })
    }
  } finally {
    await shop.close()
  }
  return { points: kills, counts: shop.tally.counts, findings }
}

class PayingShop {
  readonly tally = new Tally()
  kills = 0
  readonly #random: Random
  readonly #broker: Mosquitto
  readonly #terminal: WitnessedTerminal
  readonly #gateway: SupervisedProcess
  readonly #hq: HqClient
  #amount = 1000

  static async open(directory: string, random: Random): Promise<PayingShop> {
    const broker = await startMosquitto()
    const keepsUnanswered = below(random, 2) === 0
    // One that has to be asked what it is has no verbs yet when the gateway starts again.
    const firmware = below(random, 2) === 0 ? ` firmware: '2.0.9',` : ''
    const log = join(directory, 'terminal.log')
    const terminal = await WitnessedTerminal.listen({ log, keepsUnanswered })
    const key = signingKeyOf(random.bytes(32))
    const config = join(directory, 'shop.yaml')
    writeFileSync(
      config,
      [
        `store: ${STORE}`,
        `dataDir: ${join(directory, 'data')}`,
        `hq: { url: mqtt://127.0.0.1:${broker.port}, keys: ['${key.publicKey}'] }`,
        'broker: off',
        'log: { level: debug }',
        'terminals:',
        `  - { id: ${TERMINAL}, profile: zvt/terminal,${firmware}`,
        `      line: { tcp: { host: 127.0.0.1, port: ${terminal.port} } } }`,
      ].join('\n'),
    )
    const hq = new HqClient({
      address: { host: '127.0.0.1', port: broker.port },
      topics: topicsUnder(DEFAULT_TOPIC_ROOT),
      key,
      issuer: 'torture',
    })
    const gateway = new SupervisedProcess({
      args: [CLI, 'run', '--config', config],
      env: {},
      logPath: join(directory, 'gateway.log'),
      clock: systemClock,
    })
    return new PayingShop({ random, broker, terminal, gateway, hq })
  }

  private constructor(parts: {
    readonly random: Random
    readonly broker: Mosquitto
    readonly terminal: WitnessedTerminal
    readonly gateway: SupervisedProcess
    readonly hq: HqClient
  }) {
    this.#random = parts.random
    this.#broker = parts.broker
    this.#terminal = parts.terminal
    this.#gateway = parts.gateway
    this.#hq = parts.hq
    this.#gateway.start()
    this.#hq.start()
  }

  async close(): Promise<void> {
    await this.#hq.stop()
    await this.#gateway.stop(5_000)
    this.#terminal.stop()
    await this.#broker.stop()
  }

  get hasPaid(): boolean {
    return this.#terminal.paid(this.#amount).some(({ state }) => state === 'kept')
  }

  /** One payment, under an amount of its own. What is wrong with what came of it. */
  async pay({ isKilled }: { readonly isKilled: boolean }): Promise<readonly string[]> {
    this.#amount += 1
    const amountMinor = this.#amount
    const isDeclined = isKilled && below(this.#random, 5) === 0
    this.#terminal.behaviour = isDeclined ? { declines: 0x05 } : { printsLines: 2 }
    const askedBefore = this.#terminal.asked
    const disarm = isKilled ? this.#arm() : () => undefined
    const { outcome } = await this.#hq.run({
      store: STORE,
      target: TERMINAL,
      verb: 'authorise',
      arguments: { amountMinor },
      lifetimeMs: LIFETIME_MS,
      patienceMs: PATIENCE_MS,
    })
    disarm()
    const asked = this.#terminal.asked - askedBefore
    return this.#judge({ amountMinor, outcome, asked, isDeclined })
  }

  /** Kills the gateway at a random piece of the conversation, or some moments behind it. */
  #arm(): () => void {
    const step = below(this.#random, STEPS)
    const afterMs = below(this.#random, 8)
    let heard = 0
    const kill = (): void => {
      if (!this.#gateway.kill('SIGKILL')) return
      this.kills += 1
      this.tally.add(`killed at piece ${String(step).padStart(2)} of the conversation`)
    }
    let cancel: () => void = () => undefined
    const arm = (): void => {
      cancel = systemClock.after(afterMs, kill)
    }
    // Before the first: while the command is on its way, or being journaled.
    if (step === 0) cancel = systemClock.after(below(this.#random, 60), kill)
    this.#terminal.onWire = () => {
      heard += 1
      if (heard === step) arm()
    }
    return () => {
      cancel()
      this.#terminal.onWire = () => undefined
    }
  }

  #judge(payment: {
    readonly amountMinor: number
    readonly outcome: CommandOutcome
    readonly asked: number
    readonly isDeclined: boolean
  }): readonly string[] {
    const { amountMinor, outcome, asked, isDeclined } = payment
    const paid = this.#terminal.paid(amountMinor)
    const kept = paid.filter(({ state }) => state === 'kept').length
    const word = outcome.type === 'successful' ? 'approved' : outcome.reason
    const detail = outcome.type === 'successful' ? '' : outcome.detail
    this.tally.add(`ended ${word}${detail === '' ? '' : `: ${detail}`}`)
    this.tally.add(asked === 0 ? 'never asked for' : 'asked for once', asked > 1 ? 0 : 1)
    const what: string[] = []
    if (asked > 1) what.push(`${amountMinor}: the terminal was asked for it ${asked} times`)
    if (kept > 1) what.push(`${amountMinor}: paid ${kept} times`)
    if (word === 'approved' && kept !== 1) what.push(`${amountMinor}: approved, and not paid`)
    if (word !== 'approved' && kept > 0) what.push(`${amountMinor}: ${word} ${detail}, and paid`)
    if (word === 'unknown' && asked > 0) what.push(`${amountMinor}: unknown ${detail}`)
    if (isDeclined && word === 'approved') what.push(`${amountMinor}: declined, and approved`)
    return what
  }
}
