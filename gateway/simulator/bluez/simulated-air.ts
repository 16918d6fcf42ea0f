import { type Clock, systemClock } from '../../core/clock.js'
import { messageOf } from '../../core/errors.js'
import { type Random, seededRandom } from '../../core/random.js'
import { fail, ok, type Result } from '../../core/result.js'
import { fullUuid } from '../../line/transport/bluez/selector.js'
import type { Dialect } from '../../profile/dialect.js'
import type { ProfileRegistry } from '../../profile/registry.js'
import { BarcodeScanner } from '../barcode-scanner.js'
import { below } from '../till-sale.js'
import type { Peripheral } from './peripheral.js'
import { openPrivateBus, type PrivateBus } from './private-bus.js'
import { BluezStandIn } from './stand-in.js'

const NUS = '6e400001-b5a3-f393-e0a9-e50e24dcca9e'
const NUS_RX = '6e400002-b5a3-f393-e0a9-e50e24dcca9e'
const NUS_TX = '6e400003-b5a3-f393-e0a9-e50e24dcca9e'
const WEIGHT = fullUuid('2A9D')
const SCALE = '00:AA:01:01:00:02'

/** As the shop's configuration has them. */
const SCANNER_2 = {
  id: 'scanner-2',
  profile: 'generic/nus-scanner',
  line: { ble: { name: 'SCAN-*', pairing: 'just-works' } },
} as const
const SCALE_2 = {
  id: 'scale-2',
  profile: 'ble/weight-scale',
  firmware: '1.0',
  line: { ble: { address: SCALE, characteristics: ['2A9D', '2A19'] } },
} as const

const SCANS_A_MINUTE = 12
const WEIGHTS_A_MINUTE = 6
const LIGHTEST_GRAMS = 100
const HEAVIEST_GRAMS = 3_000
/** A scanner tells its firmware, a scale its battery. */
const FIRMWARE = '4.2.1'
const BATTERY_PERCENT = 87
/** Of a record: the number of the characteristic, and the length of the value. */
const RECORD_HEADER = 3

/** A scanner and a scale on Bluetooth, and the BlueZ that hears them, on a D-Bus of their own. */
export class SimulatedAir {
  readonly #bus: PrivateBus
  readonly #bluez: BluezStandIn
  readonly #dialects: readonly [scanner: Dialect, scale: Dialect]
  readonly #random: Random = seededRandom(6)
  readonly #clock: Clock = systemClock

  private constructor(options: {
    readonly bus: PrivateBus
    readonly bluez: BluezStandIn
    readonly dialects: readonly [scanner: Dialect, scale: Dialect]
  }) {
    this.#bus = options.bus
    this.#bluez = options.bluez
    this.#dialects = options.dialects
  }

  /** Fails with the reason where no D-Bus can be had. @throws TillbridgeError TB_PROFILE_UNKNOWN */
  static async open(registry: ProfileRegistry): Promise<Result<SimulatedAir, string>> {
    const dialects = [
      dialectIn(registry, { ...SCANNER_2, firmware: FIRMWARE }),
      dialectIn(registry, SCALE_2),
    ] as const
    try {
      const bus = await openPrivateBus(systemClock)
      const bluez = await BluezStandIn.start({ busAddress: bus.address, clock: systemClock })
      bluez.addAdapter('hci0', '00:AA:01:00:00:00')
      return ok(new SimulatedAir({ bus, bluez, dialects }))
    } catch (thrown) {
      return fail(messageOf(thrown))
    }
  }

  get terminals(): readonly [typeof SCANNER_2, typeof SCALE_2] {
    return [SCANNER_2, SCALE_2]
  }

  /** What a gateway needs to find this BlueZ. */
  get env(): Readonly<Record<string, string>> {
    return { DBUS_SYSTEM_BUS_ADDRESS: this.#bus.address }
  }

  /** Until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#scan(signal), this.#weigh(signal)])
  }

  async close(): Promise<void> {
    this.#bluez.kill()
    await this.#bus.stop()
  }

  async #scan(signal: AbortSignal): Promise<void> {
    const scanner = this.#bluez.addPeripheral('hci0', {
      address: '00:AA:01:01:00:01',
      name: 'SCAN-01',
      uuids: [NUS],
      services: [
        {
          uuid: fullUuid('180A'),
          characteristics: [
            { uuid: fullUuid('2A26'), flags: ['read'], value: Buffer.from(FIRMWARE) },
          ],
        },
        {
          uuid: NUS,
          characteristics: [
            { uuid: NUS_RX, flags: ['write'] },
            { uuid: NUS_TX, flags: ['notify'] },
          ],
        },
      ],
    })
    await new BarcodeScanner({
      line: {
        write: async bytes => this.#say(scanner, NUS_TX, bytes),
        onData: () => () => undefined,
      },
      dialect: this.#dialects[0],
      clock: this.#clock,
      random: this.#random,
      pauseMs: () => this.#pauseMs(SCANS_A_MINUTE),
    }).run(signal)
  }

  async #weigh(signal: AbortSignal): Promise<void> {
    const battery = {
      uuid: fullUuid('2A19'),
      flags: ['read'],
      value: Uint8Array.of(BATTERY_PERCENT),
    }
    const scale = this.#bluez.addPeripheral('hci0', {
      address: SCALE,
      name: 'SCALE-02',
      uuids: [fullUuid('181D')],
      services: [
        { uuid: fullUuid('181D'), characteristics: [{ uuid: WEIGHT, flags: ['indicate'] }] },
        { uuid: fullUuid('180F'), characteristics: [battery] },
      ],
    })
    for (;;) {
      await this.#clock.sleep(this.#pauseMs(WEIGHTS_A_MINUTE), signal)
      if (signal.aborted) return
      const grams = LIGHTEST_GRAMS + below(this.#random, HEAVIEST_GRAMS - LIGHTEST_GRAMS)
      const weight = (grams / 1000).toFixed(3)
      this.#say(
        scale,
        WEIGHT,
        this.#dialects[1].encode('weight', { weight }).subarray(RECORD_HEADER),
      )
    }
  }

  /** Where nobody listens it is gone, as on the air. */
  #say(peripheral: Peripheral, uuid: string, bytes: Uint8Array): void {
    this.#bluez.notify(peripheral, uuid, bytes)
  }

  #pauseMs(perMinute: number): number {
    return (60_000 / perMinute) * (0.5 + this.#random.unit())
  }
}

function dialectIn(
  registry: ProfileRegistry,
  terminal: { readonly profile: string; readonly firmware: string },
): Dialect {
  const dialect = registry.dialectOf(terminal)
  if (!dialect.ok) throw dialect.error
  return dialect.value
}
