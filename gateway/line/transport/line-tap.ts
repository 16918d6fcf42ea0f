import { concatBytes } from '../../core/bytes.js'
import type { Clock, MonotonicMs } from '../../core/clock.js'
import { TillbridgeError } from '../../core/errors.js'
import { LIMITS } from '../../core/limits.js'
import type { Chunk, Connection, Transport } from './transport.js'

/** Bytes of one direction as they passed: what the terminal said, or what the gateway wrote. */
export interface PassedBytes {
  readonly from: 'terminal' | 'host'
  readonly bytes: Uint8Array
  readonly atMs: MonotonicMs
}

/** What passed on a terminal's line since the gateway's start. */
export interface LineActivity {
  /** Since when it is open; undefined while it is not. */
  readonly openSinceMs: MonotonicMs | undefined
  readonly heardBytes: number
  readonly writtenBytes: number
  readonly heardMs: MonotonicMs | undefined
  readonly writtenMs: MonotonicMs | undefined
  /** The longest silence between two chunks, on one opening of the line. */
  readonly longestSilenceMs: number
}

/**
 * Stands between a terminal's session and its line: counts what passes, lets others listen, and
 * can have the line let go for a while. Without listeners it costs a few additions a chunk.
 */
export class LineTap {
  readonly #clock: Clock
  readonly #listeners = new Set<(passed: PassedBytes) => void>()
  #activity: LineActivity = {
    openSinceMs: undefined,
    heardBytes: 0,
    writtenBytes: 0,
    heardMs: undefined,
    writtenMs: undefined,
    longestSilenceMs: 0,
  }
  #recent = new Uint8Array(0)
  #open: Connection | undefined
  #opening: Promise<Connection> | undefined
  /** While it is set nobody opens the line. */
  #lent: Promise<void> | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get activity(): LineActivity {
    return this.#activity
  }

  /** The last bytes heard, as they came: to be looked at, not to be shown. */
  get recent(): Uint8Array {
    return this.#recent
  }

  /** Hears what passes from now on; returns the way to stop. */
  listen(listener: (passed: PassedBytes) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  wrap(transport: Transport): Transport {
    return {
      get address() {
        return transport.address
      },
      get rssiDbm() {
        return transport.rssiDbm
      },
      connect: async signal => {
        while (this.#lent !== undefined) await this.#lent
        this.#opening = transport.connect(signal)
        return this.#opened(await this.#opening)
      },
    }
  }

  /**
   * Closes the line, lets `work` have it, and lets the session open it again. A frame that is on
   * its way is cut off, as if the cable had been pulled: so it waits for a moment of silence.
   * @throws TillbridgeError TB_LINE_BUSY where somebody else has borrowed it
   */
  async lend<Value>(work: () => Promise<Value>): Promise<Value> {
    if (this.#lent !== undefined)
      throw new TillbridgeError('TB_LINE_BUSY', 'the line is lent already')
    let giveBack = (): void => undefined
    this.#lent = new Promise(resolve => {
      giveBack = resolve
    })
    try {
      // Who was about to open it is let in first: then there is something to close.
      await this.#opening?.catch(() => undefined)
      await this.#silence()
      await this.#open?.close()
      return await work()
    } finally {
      this.#lent = undefined
      giveBack()
    }
  }

  async #silence(): Promise<void> {
    const endMs = this.#clock.monotonicMs() + LIMITS.tapSilenceAtMostMs
    for (;;) {
      const nowMs = this.#clock.monotonicMs()
      const lastMs = Math.max(this.#activity.heardMs ?? 0, this.#activity.writtenMs ?? 0)
      if (nowMs - lastMs >= LIMITS.tapSilenceMs || nowMs >= endMs) return
      await this.#clock.sleep(LIMITS.tapSilenceMs)
    }
  }

  #opened(connection: Connection): Connection {
    this.#open = connection
    this.#activity = { ...this.#activity, openSinceMs: this.#clock.monotonicMs() }
    const { release, flush } = connection
    return {
      write: async (bytes, replyWithinMs) => {
        await connection.write(bytes, replyWithinMs)
        this.#wrote(bytes)
      },
      ...(release === undefined ? {} : { release: () => release.call(connection) }),
      ...(flush === undefined ? {} : { flush: () => flush.call(connection) }),
      get firmware() {
        return connection.firmware
      },
      close: () => this.#closed(connection),
      [Symbol.asyncIterator]: () => this.#heard(connection),
    }
  }

  async #closed(connection: Connection): Promise<void> {
    if (this.#open === connection) {
      this.#open = undefined
      this.#activity = { ...this.#activity, openSinceMs: undefined }
    }
    await connection.close()
  }

  async *#heard(connection: Connection): AsyncGenerator<Chunk, void, undefined> {
    for await (const chunk of connection) {
      this.#note(chunk)
      yield chunk
    }
  }

  #note({ bytes, atMs }: Chunk): void {
    const { openSinceMs = atMs, heardMs, heardBytes, longestSilenceMs } = this.#activity
    const sinceMs = heardMs === undefined ? atMs : Math.max(heardMs, openSinceMs)
    this.#activity = {
      ...this.#activity,
      heardBytes: heardBytes + bytes.length,
      heardMs: atMs,
      longestSilenceMs: Math.max(longestSilenceMs, atMs - sinceMs),
    }
    this.#recent = concatBytes([this.#recent, bytes]).slice(-LIMITS.tapRecentBytes)
    this.#tell({ from: 'terminal', bytes, atMs })
  }

  #wrote(bytes: Uint8Array): void {
    const atMs = this.#clock.monotonicMs()
    const writtenBytes = this.#activity.writtenBytes + bytes.length
    this.#activity = { ...this.#activity, writtenBytes, writtenMs: atMs }
    this.#tell({ from: 'host', bytes, atMs })
  }

  #tell(passed: PassedBytes): void {
    for (const listener of this.#listeners) listener(passed)
  }
}
