import type { StoreStatus } from '../wire/status.js'

/** Names and values as in UnifiedPOS 1.16, Device Information and Statistics. */
export type Statistics = Readonly<Record<string, string | number>>

/**
 * A terminal's statistics as a UnifiedPOS service would give them, since the gateway's start. Hours
 * are those in which its line was of use: more the gateway does not see.
 */
export function unifiedPosStatistics(options: {
  readonly status: StoreStatus['terminals'][number]
  /** vendor/model, as the configuration says. */
  readonly profile: string
  /** `serial`, `tcp` …, as the configuration says. */
  readonly line: string
  readonly firmware: string | undefined
  readonly connectedHours: number
  readonly scans: number
  readonly weighings: number
}): Statistics {
  const { status, profile, line, firmware, connectedHours, scans, weighings } = options
  const [manufacturer = '', model = ''] = profile.split('/')
  return {
    ManufacturerName: manufacturer,
    ModelName: model,
    ...(firmware === undefined ? {} : { FirmwareRevision: firmware }),
    Interface: INTERFACES[line] ?? line,
    HoursPoweredCount: connectedHours,
    CommunicationErrorCount: status.burstTotal + status.repeatTotal + status.timeoutTotal,
    ...(scans === 0 ? {} : { GoodScanCount: scans }),
    ...(weighings === 0 ? {} : { GoodWeightReadCount: weighings }),
  }
}

const INTERFACES: Readonly<Record<string, string>> = {
  serial: 'RS232',
  bus: 'RS485',
  tcp: 'Ethernet',
  listen: 'Ethernet',
  printer: 'Ethernet',
  ble: 'Bluetooth',
}
