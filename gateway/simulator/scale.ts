import type { ShopDeviceOptions } from './shop-device.js'
import { below } from './till-sale.js'

/** How long goods swing before the weight is stable. */
const SETTLING_MS = 200
const LIGHTEST_GRAMS = 100
const HEAVIEST_GRAMS = 3_000
/** A command that never ends is forgotten. */
const COMMAND_CHARACTERS = 80

/**
 * An MT-SICS scale: once asked (`SR`) it reports every new stable weight, and what comes between.
 */
export class Scale {
  readonly #options: ShopDeviceOptions
  #command = ''
  #isReporting = false
  #grams = 0

  constructor(options: ShopDeviceOptions) {
    this.#options = options
  }

  async run(signal: AbortSignal): Promise<void> {
    const { line, clock, random, pauseMs } = this.#options
    const stopListening = line.onData(bytes => this.#hear(bytes))
    while (!signal.aborted) {
      await clock.sleep(pauseMs(), signal)
      if (signal.aborted) break
      const grams = LIGHTEST_GRAMS + below(random, HEAVIEST_GRAMS - LIGHTEST_GRAMS)
      await this.#say('moving', grams * 0.7)
      await clock.sleep(SETTLING_MS, signal)
      await this.#say('weight', grams)
      await clock.sleep(SETTLING_MS, signal)
      await this.#say('empty', 0)
    }
    stopListening()
  }

  #hear(bytes: Uint8Array): void {
    this.#command += Buffer.from(bytes).toString('latin1')
    const lines = this.#command.split('\r\n')
    this.#command = (lines.pop() ?? '').slice(-COMMAND_CHARACTERS)
    if (lines.includes('SR')) this.#isReporting = true
    for (const line of lines) this.#obey(line)
  }

  #obey(command: string): void {
    const { line, dialect } = this.#options
    const answers = new Map([
      [
        'T',
        { message: 'value', values: { status: 'S', value: inKilograms(this.#grams), unit: 'kg' } },
      ],
      ['TAC', { message: 'done', values: { status: 'A' } }],
      ['Z', { message: 'done', values: { status: 'A' } }],
    ])
    const answer = answers.get(command)
    if (answer !== undefined)
      void line.write(dialect.encode(answer.message, { command, ...answer.values }))
  }

  async #say(message: 'moving' | 'weight' | 'empty', grams: number): Promise<void> {
    this.#grams = grams
    if (!this.#isReporting) return
    const values = { weight: inKilograms(grams), unit: 'kg' }
    await this.#options.line.write(this.#options.dialect.encode(message, values))
  }
}

function inKilograms(grams: number): string {
  return (grams / 1000).toFixed(3)
}
