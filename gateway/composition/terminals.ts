import { systemClock } from '../core/clock.js'
import { terminalId } from '../core/ids.js'
import { systemRandom } from '../core/random.js'
import { RetrySchedule } from '../core/retry-schedule.js'
import type { AlarmLog } from '../diagnostics/alarm-log.js'
import { BleRadio } from '../line/transport/bluez/ble-radio.js'
import type { PublishLine } from '../line/transport/publish-line.js'
import type { Transport } from '../line/transport/transport.js'
import type { Dialect } from '../profile/dialect.js'
import type { KeyedDigest } from '../security/keyed-digest.js'
import type { Bus } from '../terminal/bus.js'
import type { Fragments, Ingest } from '../terminal/ingest.js'
import { TerminalSession } from '../terminal/session.js'
import { TerminalSupervisor } from '../terminal/supervisor.js'
import { createBleTransport } from './ble.js'
import type { Spoken } from './dialects.js'
import type { Shop } from './shop.js'
import { createTransport } from './transport.js'

/** Waits between attempts to open a terminal's line. */
const LINE_RETRY = { firstMs: 500, maxMs: 30_000 } as const
/** Nobody can print until a printer that was switched on again is found. */
const PRINTER_RETRY = { firstMs: 500, maxMs: 3_000 } as const
/** One that waits until its client is there costs nothing. */
const CLIENT_RETRY = { firstMs: 50, maxMs: 1_000 } as const

/** What terminals are on that others may be on, too. */
export interface Lines {
  readonly buses: ReadonlyMap<string, Bus>
  readonly publishLines: ReadonlyMap<string, PublishLine>
}

export function createTerminals(options: {
  readonly shop: Shop
  readonly dialects: readonly Spoken[]
  readonly lines: Lines
  readonly ingest: Ingest
  readonly fragments: Fragments
  readonly keyedDigest: KeyedDigest
  readonly isClosing: () => boolean
  readonly alarms: AlarmLog
}): TerminalSupervisor {
  const { shop, dialects, lines, ingest, fragments, keyedDigest, isClosing, alarms } = options
  const { store, clockState, instruments, logger } = shop
  const radio = new BleRadio({ clock: systemClock, ...shop.config.bluetooth })
  const ways = { ...lines, radio }
  const tapped = (spoken: Spoken, dialect: Dialect): Transport =>
    instruments.tapOf(spoken.terminal.id).wrap(transportOf(spoken, ways, dialect))
  const sessions = dialects.map(
    spoken =>
      new TerminalSession({
        store,
        terminal: terminalId(spoken.terminal.id),
        timeZone: shop.config.timeZone,
        dialect: spoken.dialect,
        transport: tapped(spoken, spoken.dialect),
        transportFor: dialect => tapped(spoken, dialect),
        ...(spoken.identify === undefined ? {} : { identify: spoken.identify }),
        ingest: (events, change) =>
          instruments.ingest.measured(spoken.terminal.id, events, () => ingest(events, change)),
        fragments,
        retry: new RetrySchedule({
          ...retryOf(spoken.terminal.line.type),
          random: systemRandom,
        }),
        clock: systemClock,
        random: systemRandom,
        clockState,
        isClosing,
        keyedDigest,
        onCardData: reason => alarms.raise('card-data', reason),
        logger: logger.child({ room: 'terminal', terminal: spoken.terminal.id }),
      }),
  )
  const writtenRaw = shop.config.terminals.flatMap(({ id, rawWrite }) =>
    rawWrite === true ? [terminalId(id)] : [],
  )
  return new TerminalSupervisor({ sessions, buses: [...lines.buses.values()], writtenRaw })
}

function retryOf(type: Spoken['terminal']['line']['type']) {
  if (type === 'mqtt') return CLIENT_RETRY
  return type === 'printer' ? PRINTER_RETRY : LINE_RETRY
}

function transportOf(
  { terminal: { id, line }, recognise }: Spoken,
  { buses, publishLines, radio }: Lines & { readonly radio: BleRadio },
  dialect: Dialect,
): Transport {
  if (line.type === 'ble') return createBleTransport(line, radio)
  if (line.type !== 'bus' && line.type !== 'mqtt')
    return createTransport(line, dialect.line, recognise)
  const shared = line.type === 'bus' ? buses.get(line.bus)?.member(id) : publishLines.get(id)
  if (shared === undefined) throw new RangeError(`the configuration was checked for ${id}`)
  return shared
}
