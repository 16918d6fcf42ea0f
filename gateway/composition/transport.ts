import type { WiredLine } from '../config/line.js'
import { systemClock } from '../core/clock.js'
import { NamedPort } from '../line/transport/named-port.js'
import { readPortName } from '../line/transport/port-name.js'
import { PrinterTap } from '../line/transport/printer-tap.js'
import { SerialPortTransport } from '../line/transport/serial-port.js'
import { listSerialPorts } from '../line/transport/serial-port-list.js'
import { TcpClient } from '../line/transport/tcp-client.js'
import { TcpListener } from '../line/transport/tcp-listener.js'
import type { Transport } from '../line/transport/transport.js'
import type { LineSettings } from '../profile/dialect.js'
import type { Spoken } from './dialects.js'

/**
 * The line as the shop says it, and as the dialect has it where the shop says nothing. `recognise`:
 * whether the right terminal is behind one of several adapters of one name.
 */
export function createTransport(
  line: WiredLine,
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
