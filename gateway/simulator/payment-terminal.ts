import { SerialQueue } from '../core/serial-queue.js'
import type { Framer } from '../line/framing/framer.js'
import type { ShopDeviceOptions } from './shop-device.js'
import { StopAndWait } from './stop-and-wait.js'
import { timeOf } from './till-model.js'
import { below, pick } from './till-sale.js'

const DECLINED = 0.1
const DEAREST_PESOS = 50_000
const SECONDS_A_DAY = 86_400
const ACK = Uint8Array.of(0x06)

/** What the line does to the answer of a request: the payment is made all the same. */
export type Mishap = 'none' | 'answer-lost' | 'ack-lost'

/** A payment that the terminal made, in the words of its dialect. */
export type TerminalPayment = Readonly<Record<string, string | number>>

export interface PaymentTerminalOptions extends ShopDeviceOptions {
  readonly timeZone: string
  readonly mishap?: () => Mishap
  /** What it approved so far, the latest last: its memory, which outlives a loss of power. */
  readonly memory?: TerminalPayment[]
}

/**
 * A Transbank terminal in integrated mode: reports every decision, again until acknowledged, and
 * does what its till asks for.
 */
export class PaymentTerminal {
  readonly #options: PaymentTerminalOptions
  readonly #sender: StopAndWait
  readonly #framer: Framer
  readonly #memory: TerminalPayment[]
  /** One message at a time. */
  readonly #turns = new SerialQueue()
  readonly #power = new AbortController()

  constructor(options: PaymentTerminalOptions) {
    this.#options = options
    this.#sender = new StopAndWait(options)
    this.#framer = options.dialect.createFramer()
    this.#memory = options.memory ?? []
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, line, pauseMs } = this.#options
    const stopListening = line.onData(bytes => this.#hear(bytes))
    while (!signal.aborted) {
      await clock.sleep(pauseMs(), signal)
      if (!signal.aborted)
        await this.#turns.run(async () => {
          await this.#sender.deliver(this.#decide(), signal)
        })
    }
    stopListening()
    this.#power.abort()
    this.#sender.close()
  }

  #hear(bytes: Uint8Array): void {
    for (const output of this.#framer.push(bytes))
      if (output.type === 'frame' && output.payload.length > 1)
        this.#asked(Buffer.from(output.payload).toString('latin1'))
  }

  #asked(request: string): void {
    const mishap = this.#options.mishap?.() ?? 'none'
    const answers = this.#answersTo(request.split('|'))
    if (mishap === 'ack-lost') return
    this.#turns
      .run(async () => {
        await this.#options.line.write(ACK)
        if (mishap === 'answer-lost') return
        for (const frame of answers) await this.#sender.deliver(frame, this.#power.signal)
      })
      .catch(() => undefined) // The line is gone: nobody is there to be answered.
  }

  #answersTo([code, amount, ticket = '']: readonly string[]): readonly Uint8Array[] {
    const { dialect } = this.#options
    const said = (text: string): Uint8Array =>
      dialect.encode('other-answer', { function: text.slice(0, 4), text: text.slice(5) })
    switch (code) {
      case '0200': {
        const payment = this.#approved(Number(amount), ticket)
        return [
          dialect.encode('progress', { code: '80', text: '' }),
          dialect.encode('approved', payment),
        ]
      }
      case '0250': {
        const last = this.#memory.at(-1)
        return [last === undefined ? said('0260|11|') : dialect.encode('last-approved', last)]
      }
      case '0500':
        return [said('0510|00|597029414300|75001089')]
      default:
        return []
    }
  }

  #decide(): Uint8Array {
    const { dialect, random } = this.#options
    const amount = 100 + below(random, DEAREST_PESOS)
    if (random.unit() < DECLINED)
      return dialect.encode('declined', { responseCode: '01', ...this.#payment(amount) })
    return dialect.encode('approved', this.#approved(amount, ''))
  }

  #approved(amount: number, ticket: string): TerminalPayment {
    const payment = this.#payment(amount)
    const approved = {
      ...payment,
      ticket: ticket === '' ? payment.operationNumber : ticket,
      authorisationCode: String(below(this.#options.random, 1_000_000)).padStart(6, '0'),
      shares: '0',
      shareAmount: '0',
    }
    this.#memory.push(approved)
    return approved
  }

  #payment(amount: number) {
    const { clock, random, timeZone } = this.#options
    const atMs = clock.wallMs()
    return {
      commerceCode: '597029414300',
      terminalId: '75001089',
      amount,
      // Counts the seconds of the day: a terminal switched off and on never uses a number twice.
      operationNumber: String(Math.floor(atMs / 1000) % SECONDS_A_DAY).padStart(6, '0'),
      lastDigits: String(below(random, 10_000)).padStart(4, '0'),
      cardType: 'CR',
      brand: pick(random, ['VI', 'MC', 'AX']),
      ...timeOf(atMs, timeZone),
    }
  }
}
