import { systemClock } from '../../gateway/core/clock.js'
import type { Connection, Transport } from '../../gateway/line/transport/transport.js'

/** A line that is opened again whenever it is lost, as a session does. */
export class KeptLine {
  readonly #transport: Transport
  readonly #signal: AbortSignal
  #connection: Connection | undefined
  #text = ''
  #opened = 0
  #reasons: string[] = []
  readonly done: Promise<void>

  constructor(transport: Transport, signal: AbortSignal) {
    this.#transport = transport
    this.#signal = signal
    signal.addEventListener('abort', () => void this.#connection?.close(), { once: true })
    this.done = this.#run()
  }

  get connection(): Connection | undefined {
    return this.#connection
  }

  /** Everything that came, on whichever line. */
  get text(): string {
    return this.#text
  }

  get opened(): number {
    return this.#opened
  }

  get reasons(): readonly string[] {
    return this.#reasons
  }

  async #run(): Promise<void> {
    while (!this.#signal.aborted) {
      try {
        const connection = await this.#transport.connect(this.#signal)
        this.#connection = connection
        this.#opened += 1
        for await (const { bytes } of connection)
          this.#text += Buffer.from(bytes).toString('latin1')
      } catch (thrown) {
        this.#reasons.push(thrown instanceof Error ? thrown.message : String(thrown))
        await systemClock.sleep(200, this.#signal)
      } finally {
        await this.#connection?.close()
        this.#connection = undefined
      }
    }
  }
}
