import type { Clock } from '../../core/clock.js'
import { TillbridgeError } from '../../core/errors.js'
import { SerialQueue } from '../../core/serial-queue.js'
import type { Pairing } from './bluez/agent.js'
import type { BleRadio } from './bluez/ble-radio.js'
import type { GattLink } from './bluez/gatt-link.js'
import type { CharacteristicObject } from './bluez/object-tree.js'
import { type BleSelector, fullUuid, selectorText, shortUuid } from './bluez/selector.js'
import { ChunkQueue } from './chunk-queue.js'
import { stopped } from './line-error.js'
import type { Chunk, Connection, Transport } from './transport.js'

/** A pair of characteristics that is a serial line: what they notify, and what is written. */
export interface BleSerial {
  readonly type: 'serial'
  readonly service: string
  readonly notify: string
  readonly write: string
}

/**
 * Characteristics of the Bluetooth SIG by their number. Each value is a record: the number (2
 * bytes, big endian), its length (1), the value. What does not notify is read, and read again.
 */
export interface BleValues {
  readonly type: 'values'
  readonly characteristics: readonly string[]
  readonly readEveryMs: number
}

export interface BleGattOptions {
  readonly radio: BleRadio
  readonly selector: BleSelector
  readonly pairing: Pairing
  readonly content: BleSerial | BleValues
  /** Silence for so long counts as a loss; without, only the end of the link does. */
  readonly silentAfterMs?: number
  readonly clock: Clock
}

/** Device Information: the firmware revision. */
const FIRMWARE = fullUuid('2A26')
/** What goes into a write whatever the MTU is. */
const LEAST_PAYLOAD = 20
const ATT_HEADER = 3

/** A terminal that is connected with over Bluetooth Low Energy. */
export class BleGatt implements Transport {
  readonly address: string
  readonly #options: BleGattOptions
  #rssiDbm: number | undefined

  constructor(options: BleGattOptions) {
    this.#options = options
    this.address = selectorText(options.selector)
  }

  get rssiDbm(): number | undefined {
    return this.#rssiDbm
  }

  async connect(signal: AbortSignal): Promise<Connection> {
    const { radio, selector, pairing, clock } = this.#options
    if (signal.aborted) throw stopped(this.address)
    const link = await radio.connect({
      selector,
      pairing,
      signal,
      heard: rssiDbm => {
        this.#rssiDbm = rssiDbm
      },
    })
    const connection = new GattConnection({ link, clock })
    try {
      await connection.open(this.#options)
      radio.noteReady(link.path)
      return connection
    } catch (thrown) {
      await connection.close()
      await radio.noteFailure(link.path, { pairing, thrown })
      throw thrown
    }
  }
}

class GattConnection implements Connection {
  readonly #link: GattLink
  readonly #clock: Clock
  readonly #queue: ChunkQueue
  /** One write at a time: BlueZ refuses a second one. */
  readonly #writes = new SerialQueue()
  #output: CharacteristicObject | undefined
  #firmware: string | undefined
  #cancelSilence = (): void => undefined
  readonly #closed = new AbortController()

  constructor({ link, clock }: { readonly link: GattLink; readonly clock: Clock }) {
    this.#link = link
    this.#clock = clock
    this.#queue = new ChunkQueue({ clock })
    link.onLost((reason, cause) => {
      this.#queue.lose(reason, cause)
      this.#stop()
    })
  }

  get firmware(): string | undefined {
    return this.#firmware
  }

  /** @throws TillbridgeError TB_LINE_SETTINGS where the terminal has no such characteristics */
  async open({ content, silentAfterMs }: BleGattOptions): Promise<void> {
    const revision = this.#link.characteristics.find(({ UUID }) => UUID === FIRMWARE)
    if (revision !== undefined) this.#firmware = textOf(await this.#link.read(revision))
    this.#heard(silentAfterMs)
    if (content.type === 'serial') await this.#openSerial(content, silentAfterMs)
    else await this.#openValues(content, silentAfterMs)
  }

  async write(bytes: Uint8Array): Promise<void> {
    const output = this.#output
    this.#queue.assertOpen()
    if (output === undefined)
      throw new TillbridgeError('TB_LINE_CLOSED', 'nothing is written to this terminal')
    const type = output.Flags.includes('write') ? 'request' : 'command'
    const size = Math.max(LEAST_PAYLOAD, (output.MTU ?? 0) - ATT_HEADER)
    await this.#writes.run(async () => {
      for (let at = 0; at < bytes.length; at += size) {
        this.#queue.assertOpen()
        await this.#link.write(output, { bytes: bytes.subarray(at, at + size), type })
      }
    })
  }

  async close(): Promise<void> {
    this.#stop()
    this.#queue.close()
    await this.#link.close()
  }

  [Symbol.asyncIterator](): AsyncIterator<Chunk> {
    return this.#queue[Symbol.asyncIterator]()
  }

  async #openSerial(content: BleSerial, silentAfterMs: number | undefined): Promise<void> {
    const find = (uuid: string): CharacteristicObject => {
      const found = this.#link.characteristics.find(
        one => one.UUID === uuid && one.serviceUuid === content.service,
      )
      if (found !== undefined) return found
      throw new TillbridgeError('TB_LINE_SETTINGS', `the terminal has no characteristic ${uuid}`)
    }
    const input = find(content.notify)
    this.#output = find(content.write)
    await this.#link.subscribe(input, value => {
      this.#heard(silentAfterMs)
      this.#queue.push(value)
    })
  }

  async #openValues(content: BleValues, silentAfterMs: number | undefined): Promise<void> {
    const wanted = content.characteristics.map(fullUuid)
    const found = this.#link.characteristics.filter(({ UUID }) => wanted.includes(UUID))
    if (found.length === 0) {
      const names = content.characteristics.join(', ')
      throw new TillbridgeError('TB_LINE_SETTINGS', `the terminal has none of ${names}`)
    }
    const push = (characteristic: CharacteristicObject, value: Uint8Array): void => {
      this.#heard(silentAfterMs)
      this.#queue.push(recordOf(characteristic.UUID, value))
    }
    const tells = ({ Flags }: CharacteristicObject): boolean =>
      Flags.includes('notify') || Flags.includes('indicate')
    for (const one of found.filter(tells))
      await this.#link.subscribe(one, value => push(one, value))
    const asked = found.filter(one => !tells(one))
    for (const one of asked) push(one, await this.#link.read(one))
    if (asked.length > 0) void this.#readAgain(asked, { everyMs: content.readEveryMs, push })
  }

  async #readAgain(
    asked: readonly CharacteristicObject[],
    options: {
      readonly everyMs: number
      readonly push: (one: CharacteristicObject, value: Uint8Array) => void
    },
  ): Promise<void> {
    const { signal } = this.#closed
    for (;;) {
      await this.#clock.sleep(options.everyMs, signal)
      for (const one of asked) {
        if (signal.aborted) return
        // A read that fails has ended the link, and whoever reads the line hears of that.
        const value = await this.#link.read(one).catch(() => undefined)
        if (value !== undefined) options.push(one, value)
      }
    }
  }

  #heard(silentAfterMs: number | undefined): void {
    this.#cancelSilence()
    if (silentAfterMs === undefined || this.#closed.signal.aborted) return
    this.#cancelSilence = this.#clock.after(silentAfterMs, () => {
      this.#queue.lose(`nothing was heard for ${silentAfterMs / 1000} s`)
      void this.#link.close()
    })
  }

  #stop(): void {
    this.#closed.abort()
    this.#cancelSilence()
  }
}

function recordOf(uuid: string, value: Uint8Array): Uint8Array {
  const number = Number.parseInt(shortUuid(uuid) ?? '0', 16)
  const short = value.subarray(0, 0xff)
  return Uint8Array.of(number >> 8, number & 0xff, short.length, ...short)
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8').replace(/\0+$/, '').trim()
}
