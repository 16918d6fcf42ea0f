import type { LineConfig } from '../config/schema.js'
import { systemClock } from '../core/clock.js'
import { terminalId } from '../core/ids.js'
import { systemRandom } from '../core/random.js'
import { RetrySchedule } from '../core/retry-schedule.js'
import type { AlarmLog } from '../diagnostics/alarm-log.js'
import { NamedPort } from '../line/transport/named-port.js'
import { readPortName } from '../line/transport/port-name.js'
import { PrinterTap } from '../line/transport/printer-tap.js'
import { SerialPortTransport } from '../line/transport/serial-port.js'
import { listSerialPorts } from '../line/transport/serial-port-list.js'
import { TcpClient } from '../line/transport/tcp-client.js'
import { TcpListener } from '../line/transport/tcp-listener.js'
import type { Transport } from '../line/transport/transport.js'
import type { LineSettings } from '../profile/dialect.js'
import type { KeyedDigest } from '../security/keyed-digest.js'
import type { Fragments, Ingest } from '../terminal/ingest.js'
import { TerminalSession } from '../terminal/session.js'
import { TerminalSupervisor } from '../terminal/supervisor.js'
import type { Spoken } from './dialects.js'
import type { Shop } from './shop.js'

/** Waits between attempts to open a terminal's line. */
const LINE_RETRY = { firstMs: 500, maxMs: 30_000 } as const
/** Nobody can print until a printer that was switched on again is found. */
const PRINTER_RETRY = { firstMs: 500, maxMs: 3_000 } as const

export function createTerminals(options: {
  readonly shop: Shop
  readonly dialects: readonly Spoken[]
  readonly ingest: Ingest
  readonly fragments: Fragments
  readonly keyedDigest: KeyedDigest
  readonly alarms: AlarmLog
}): TerminalSupervisor {
  const { shop, dialects, ingest, fragments, keyedDigest, alarms } = options
  const { store, clockState, logger } = shop
  const sessions = dialects.map(
    ({ terminal: { id, line }, dialect, identify, recognise }) =>
      new TerminalSession({
        store,
        terminal: terminalId(id),
        timeZone: shop.config.timeZone,
        dialect,
        transport: createTransport(line, dialect.line, recognise),
        transportFor: other => createTransport(line, other.line, recognise),
        ...(identify === undefined ? {} : { identify }),
        ingest,
        fragments,
        retry: new RetrySchedule({
          ...(line.type === 'printer' ? PRINTER_RETRY : LINE_RETRY),
          random: systemRandom,
        }),
        clock: systemClock,
        random: systemRandom,
        clockState,
        keyedDigest,
        onCardData: reason => alarms.raise('card-data', reason),
        logger: logger.child({ room: 'terminal', terminal: id }),
      }),
  )
  return new TerminalSupervisor(sessions)
}

/** `recognise`: whether the right terminal is behind one of several adapters of one name. */
export function createTransport(
  line: LineConfig,
  dialect: LineSettings,
  recognise?: Spoken['recognise'],
): Transport {
  const clock = systemClock
  switch (line.type) {
    case 'serial': {
      const { type: _, path: name, ...settings } = line
      const open = (path: string): Transport =>
        new SerialPortTransport({ ...dialect, ...settings, path, clock })
      if (readPortName(name) === undefined) return open(name)
      return new NamedPort({ name, list: listSerialPorts, open, recognise })
    }
    case 'tcp':
      return new TcpClient({ host: line.host, port: line.port, clock })
    case 'listen':
      return new TcpListener({ host: line.host, port: line.port, clock })
    case 'printer':
      return new PrinterTap({ listen: line.listen, forward: line.forward, clock })
  }
}
