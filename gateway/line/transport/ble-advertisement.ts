import type { Clock } from '../../core/clock.js'
import { TillbridgeError } from '../../core/errors.js'
import type { BleRadio } from './bluez/ble-radio.js'
import type { Heard } from './bluez/nearby.js'
import type { DeviceObject } from './bluez/object-tree.js'
import { type BleSelector, selectorText, shortUuid } from './bluez/selector.js'
import { ChunkQueue } from './chunk-queue.js'
import { stopped } from './line-error.js'
import type { Connection, Transport } from './transport.js'

export interface BleAdvertisementOptions {
  readonly radio: BleRadio
  readonly selector: BleSelector
  /** A sensor that was not heard for so long is lost. */
  readonly silentAfterMs: number
  readonly clock: Clock
}

/** Core Specification Supplement, part A: manufacturer data, and service data of 16-bit UUIDs. */
const MANUFACTURER_DATA = 0xff
const SERVICE_DATA = 0x16
const NO_RSSI = 127

/**
 * A sensor that says all in its advertisements. Each is one record, as HCI gives it: a length, the
 * structures, and one byte of signal strength behind them. The line is the first sensor heard that
 * is selected: no other one's values mix with its own.
 */
export class BleAdvertisement implements Transport {
  readonly address: string
  readonly #options: BleAdvertisementOptions
  #rssiDbm: number | undefined

  constructor(options: BleAdvertisementOptions) {
    this.#options = options
    this.address = selectorText(options.selector)
  }

  get rssiDbm(): number | undefined {
    return this.#rssiDbm
  }

  async connect(signal: AbortSignal): Promise<Connection> {
    const { radio, selector, clock, silentAfterMs } = this.#options
    if (signal.aborted) throw stopped(this.address)
    radio.wake(signal)
    const queue = new ChunkQueue({ clock })
    const first = new AbortController()
    let source: string | undefined
    let cancelSilence = (): void => undefined
    const hear = ({ device, rssiDbm }: Heard): void => {
      if (source !== undefined && device.Address !== source) return
      source = device.Address
      this.#rssiDbm = rssiDbm
      first.abort()
      cancelSilence()
      cancelSilence = clock.after(silentAfterMs, () => {
        queue.lose(`not heard for ${silentAfterMs / 1000} s`)
      })
      const record = recordOf(device, rssiDbm)
      if (record !== undefined) queue.push(record)
    }
    const endListening = radio.listen(selector, hear)
    const close = async (): Promise<void> => {
      cancelSilence()
      endListening()
      queue.close()
    }
    await clock.sleep(silentAfterMs, AbortSignal.any([signal, first.signal]))
    if (source === undefined) {
      await close()
      if (signal.aborted) throw stopped(this.address)
      if (radio.trouble !== undefined) throw new TillbridgeError('TB_LINE_RADIO', radio.trouble)
      const reason = `not heard within ${silentAfterMs / 1000} s`
      throw new TillbridgeError('TB_LINE_UNAVAILABLE', reason)
    }
    return {
      write: async () => {
        queue.assertOpen()
        throw new TillbridgeError('TB_LINE_CLOSED', 'an advertisement takes no bytes')
      },
      close,
      [Symbol.asyncIterator]: () => queue[Symbol.asyncIterator](),
    }
  }
}

/** Undefined where it says nothing, or more than a record holds. */
function recordOf(device: DeviceObject, rssiDbm = NO_RSSI): Uint8Array | undefined {
  const structures = [
    ...Object.entries(device.ManufacturerData).map(([company, data]) =>
      structure(MANUFACTURER_DATA, littleEndian(Number(company)), data),
    ),
    ...Object.entries(device.ServiceData).flatMap(([uuid, data]) => {
      const number = shortUuid(uuid)
      return number === undefined
        ? []
        : [structure(SERVICE_DATA, littleEndian(Number.parseInt(number, 16)), data)]
    }),
  ].flat()
  if (structures.length === 0 || structures.length > 0xff) return undefined
  return Uint8Array.of(structures.length, ...structures, rssiDbm & 0xff)
}

function littleEndian(number: number): readonly number[] {
  return [number & 0xff, number >> 8]
}

function structure(type: number, id: readonly number[], data: Uint8Array): readonly number[] {
  return [1 + id.length + data.length, type, ...id, ...data]
}
