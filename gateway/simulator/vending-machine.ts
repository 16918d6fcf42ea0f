import {
  CONTROLS,
  type Control,
  type DexFrame,
  encodeBlock,
  encodeHandshake,
  readDexFrame,
} from '../protocol/dex/dex-frame.js'
import { DexFramer } from '../protocol/dex/dex-framer.js'
import { writeAudit } from '../protocol/dex/write-audit.js'
import type { ShopDeviceOptions } from './shop-device.js'
import { below } from './till-sale.js'

const IDENTITY = { communicationId: 'SIMVENDING', revision: 'R01', level: 'L06' }
/** EVA-DTS 6.2: a block holds at most 245 bytes. */
const BLOCK_BYTES = 245
const ANSWER_MS = 2200
const TURN_MS = 15
const BETWEEN_MS = 150
/** Told to wait, it asks again so much later. */
const BUSY_MS = 300
const TRIES = 10
const PRICES = [100, 120, 150]

/** A vending machine that counts what it sells, and tells it over DEX. */
export class VendingMachine {
  readonly #options: ShopDeviceOptions & { readonly calls: boolean }
  readonly #framer = new DexFramer(1024)
  readonly #sold = PRICES.map(() => 0)
  readonly #heard: DexFrame[] = []
  #wake: () => void = () => undefined

  /** `calls`: it begins by itself; else it waits for the collector. */
  constructor(options: ShopDeviceOptions & { readonly calls: boolean }) {
    this.#options = options
  }

  async run(signal: AbortSignal): Promise<void> {
    const { line, clock, calls, pauseMs } = this.#options
    const stopListening = line.onData(bytes => this.#hear(bytes))
    while (!signal.aborted) {
      this.#sell()
      if (!calls) {
        if (await this.#awaits('ENQ')) await this.#answerCall()
        continue
      }
      await clock.sleep(pauseMs(), signal)
      if (!signal.aborted) await this.#call()
    }
    stopListening()
  }

  #sell(): void {
    const selection = below(this.#options.random, PRICES.length)
    this.#sold[selection] = (this.#sold[selection] ?? 0) + 1
  }

  /** The collector leads: its request, our response, our data. */
  async #answerCall(): Promise<void> {
    await this.#say('ACK0')
    if ((await this.#next())?.type !== 'block') return
    await this.#say('ACK1')
    if (!(await this.#awaits('EOT'))) return
    await this.#options.clock.sleep(BETWEEN_MS)
    const response = encodeHandshake({ type: 'response', responseCode: '00', ...IDENTITY })
    if (!(await this.#asks(CONTROLS.ENQ, 'ACK0')) || !(await this.#asks(response, 'ACK1'))) return
    await this.#say('EOT')
    await this.#tell()
  }

  /** We lead, and then turn round: the collector’s response, our data. */
  async #call(): Promise<void> {
    const request = encodeHandshake({ type: 'request', operation: 'S', ...IDENTITY })
    if (!(await this.#asks(CONTROLS.ENQ, 'ACK0')) || !(await this.#asks(request, 'ACK1'))) return
    await this.#say('EOT')
    if (!(await this.#awaits('ENQ'))) return
    await this.#say('ACK0')
    if ((await this.#next())?.type !== 'block') return
    await this.#say('ACK1')
    if (await this.#awaits('EOT')) await this.#tell()
  }

  async #tell(): Promise<void> {
    await this.#options.clock.sleep(BETWEEN_MS)
    const file = Buffer.from(this.#audit(), 'latin1')
    if (!(await this.#asks(CONTROLS.ENQ, 'ACK0'))) return
    for (let at = 0, answer: Control = 'ACK1'; at < file.length; at += BLOCK_BYTES) {
      const data = file.subarray(at, at + BLOCK_BYTES)
      const last = at + BLOCK_BYTES >= file.length
      if (!(await this.#asks(encodeBlock({ start: 'STX', data, last }), answer))) return
      answer = answer === 'ACK1' ? 'ACK0' : 'ACK1'
    }
    await this.#say('EOT')
  }

  #audit(): string {
    const products = this.#sold.map((vends, at) => ({
      selection: String(11 + at),
      name: `SELECTION ${11 + at}`,
      price: PRICES[at] ?? 0,
      vends,
      amount: vends * (PRICES[at] ?? 0),
    }))
    const vends = products.reduce((sum, product) => sum + product.vends, 0)
    const amount = products.reduce((sum, product) => sum + product.amount, 0)
    return writeAudit({
      serial: 'SIM0000001',
      model: 'SIMULATED',
      currency: 'EUR',
      paidVends: vends,
      paid: amount,
      tenders: [{ tender: 'cash', vends, amount }],
      products,
    })
  }

  /** Says it until the answer comes; ENQ after silence, the same again after NAK. */
  async #asks(bytes: Uint8Array, answer: Control): Promise<boolean> {
    let saying = bytes
    for (let tries = 0; tries < TRIES; tries += 1) {
      this.#heard.length = 0
      await this.#write(saying)
      const frame = await this.#next()
      const heard = frame?.type === 'control' ? frame.control : undefined
      if (heard === answer) return true
      if (heard === 'WACK') await this.#options.clock.sleep(BUSY_MS)
      saying = heard === 'NAK' ? bytes : CONTROLS.ENQ
    }
    return false
  }

  async #awaits(control: Control): Promise<boolean> {
    const frame = await this.#next()
    return frame?.type === 'control' && frame.control === control
  }

  #say(control: Control): Promise<void> {
    return this.#write(CONTROLS[control])
  }

  async #write(bytes: Uint8Array): Promise<void> {
    await this.#options.clock.sleep(TURN_MS)
    await this.#options.line.write(bytes)
  }

  #hear(bytes: Uint8Array): void {
    for (const output of this.#framer.push(bytes)) {
      const frame = output.type === 'frame' ? readDexFrame(output.payload) : undefined
      if (frame !== undefined) this.#heard.push(frame)
    }
    this.#wake()
  }

  async #next(): Promise<DexFrame | undefined> {
    if (this.#heard.length === 0)
      await new Promise<void>(resolve => {
        const cancel = this.#options.clock.after(ANSWER_MS, resolve)
        this.#wake = () => {
          if (this.#heard.length === 0) return
          cancel()
          resolve()
        }
      })
    return this.#heard.shift()
  }
}
