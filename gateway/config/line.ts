import { z } from 'zod'
import { PORT_NAME } from '../core/port-name.js'
import { bleAddress, bleLine } from './ble.js'
import { host, portNumber, terminalName, topic } from './fields.js'

/** How the adapter drives a two-wire line. */
const rs485 = z.strictObject({
  /**
   * Who turns the line round: the kernel (Linux `struct serial_rs485`), or the gateway by RTS,
   * where the adapter's driver cannot.
   */
  direction: z.enum(['kernel', 'rts']).default('kernel'),
  /** The level of RTS while sending; it is the other one while not. */
  rtsOnSend: z.boolean().default(true),
  delayBeforeSendMs: z.int().min(0).max(100).default(0),
  delayAfterSendMs: z.int().min(0).max(100).default(0),
  /** Whether the adapter also hears what it sends. */
  receiveWhileSending: z.boolean().default(false),
})

const serialLine = z.strictObject({
  path: z
    .string()
    .refine(text => text.startsWith('/') || PORT_NAME.test(text), {
      error: 'expected the path of a port, or its adapter as `usb:0403:6001`; write `/dev/ttyUSB0`',
    })
    .meta({
      description: 'the path of a port, best its name under /dev/serial/by-id, or its USB adapter',
      examples: ['/dev/ttyUSB0'],
    }),
  /** Each overrides what the terminal's dialect says. */
  baudRate: z.int().min(50).max(4_000_000).exactOptional(),
  dataBits: z.literal([7, 8]).exactOptional(),
  parity: z.enum(['none', 'even', 'odd']).exactOptional(),
  stopBits: z.literal([1, 2]).exactOptional(),
  rs485: rs485.exactOptional(),
})

const networkLine = z.strictObject({ host, port: portNumber })

/** The register prints to `listen`; every byte goes on to the printer at `forward`, and back. */
const printerLine = z.strictObject({ listen: networkLine, forward: networkLine })

/** The terminal is a client of the in-store broker, and says what it says on this topic. */
const mqttLine = z.strictObject({
  /** The name of one of `broker.clients`. */
  client: z.string().min(1),
  topic,
})

const EXAMPLES = ['{ serial: { path: /dev/ttyUSB0 } }']

/** What a terminal is plugged into. */
export const terminalLine = z
  .strictObject({
    serial: serialLine.exactOptional(),
    tcp: networkLine.exactOptional(),
    listen: networkLine.exactOptional(),
    ble: bleLine.exactOptional(),
    printer: printerLine.exactOptional(),
    mqtt: mqttLine.exactOptional(),
    /** The id of one of `buses`. */
    bus: terminalName.exactOptional(),
  })
  .meta({
    description: 'exactly one of serial, tcp, listen, ble, printer, mqtt, bus',
    examples: EXAMPLES,
  })
  .transform(({ serial, tcp, listen, ble, printer, mqtt, bus }, context) => {
    const [only, ...more] = [
      ...(serial === undefined ? [] : [{ type: 'serial' as const, ...serial }]),
      ...(tcp === undefined ? [] : [{ type: 'tcp' as const, ...tcp }]),
      ...(listen === undefined ? [] : [{ type: 'listen' as const, ...listen }]),
      ...(ble === undefined ? [] : [{ type: 'ble' as const, ...ble }]),
      ...(printer === undefined ? [] : [{ type: 'printer' as const, ...printer }]),
      ...(mqtt === undefined ? [] : [{ type: 'mqtt' as const, ...mqtt }]),
      ...(bus === undefined ? [] : [{ type: 'bus' as const, bus }]),
    ]
    if (only !== undefined && more.length === 0) return only
    const choices = 'serial, tcp, listen, ble, printer, mqtt, bus'
    const message = `expected exactly one of ${choices}; write the one it is plugged into`
    context.addIssue({ code: 'custom', message })
    return z.NEVER
  })

/** A line that several terminals share, each answering when it is asked. */
export const bus = z.strictObject({
  id: terminalName,
  line: z
    .strictObject({ serial: serialLine.exactOptional(), tcp: networkLine.exactOptional() })
    .meta({ description: 'exactly one of serial, tcp', examples: EXAMPLES })
    .transform(({ serial, tcp }, context) => {
      if (serial !== undefined && tcp === undefined) return { type: 'serial' as const, ...serial }
      if (serial === undefined && tcp !== undefined) return { type: 'tcp' as const, ...tcp }
      const message = 'expected exactly one of serial, tcp; write the one that leads to the line'
      context.addIssue({ code: 'custom', message })
      return z.NEVER
    }),
  /** Silence between two frames; 3.5 characters at its speed where it is left out. */
  gapMs: z.number().min(0).max(1000).exactOptional(),
})

export type TerminalLine = z.infer<typeof terminalLine>
export type BusConfig = z.infer<typeof bus>
/** A line that can be opened. */
export type LineConfig = Exclude<TerminalLine, { readonly type: 'bus' | 'mqtt' }>
/** One with a plug. */
export type WiredLine = Exclude<LineConfig, { readonly type: 'ble' }>

/** What shares a place that only one can have, or stands on a line that there is not. */
export function* sharingFaults(config: {
  readonly buses: readonly BusConfig[]
  readonly terminals: readonly {
    readonly id: string
    readonly line: TerminalLine
    readonly address?: number | undefined
  }[]
}): Iterable<{ readonly path: readonly (string | number)[]; readonly message: string }> {
  const { buses, terminals } = config
  const places = new Map<string, string>()
  /** Who had it before; undefined where it is the first. */
  const taken = (place: string, by: string): string | undefined => {
    const before = places.get(place)
    if (before === undefined) places.set(place, by)
    return before
  }
  for (const [section, list] of [['buses', buses] as const, ['terminals', terminals] as const])
    for (const [index, { id, line }] of list.entries()) {
      const here = `${section}.${index}`
      const sameId = taken(`${section} ${id}`, here)
      if (sameId !== undefined) {
        const message = `expected an id of its own, ${sameId} has it; write \`${id}-2\``
        yield { path: [section, index, 'id'], message }
      }
      const place = line.type === 'bus' ? undefined : addressOf(line)
      // Adapters of one name may be several: the terminals behind them are told apart.
      const address = place === undefined || PORT_NAME.test(place) ? undefined : place
      const sameLine = address === undefined ? undefined : taken(`line ${address}`, here)
      if (sameLine !== undefined) {
        const message = `expected a line of its own, ${sameLine} is on ${address}`
        const write = 'write the port that it is plugged into, or a bus that both share'
        yield { path: [section, index, 'line'], message: `${message}; ${write}` }
      }
    }
  for (const [index, { line, address }] of terminals.entries()) {
    if (line.type !== 'bus') continue
    const names = buses.map(({ id }) => id)
    if (!names.includes(line.bus)) {
      const message = `expected one of buses; write ${names.join(', ') || 'a section `buses`'}`
      yield { path: ['terminals', index, 'line', 'bus'], message }
    }
    const same =
      address === undefined
        ? undefined
        : taken(`${line.bus} address ${address}`, `terminals.${index}`)
    if (same !== undefined) {
      const message = `expected an address of its own, ${same} has ${address}`
      const write = 'set another at the device and write it'
      yield { path: ['terminals', index, 'address'], message: `${message}; ${write}` }
    }
  }
}

/** A terminal that publishes, as status and logs name its line. */
export function publisherOf(line: Extract<TerminalLine, { readonly type: 'mqtt' }>): string {
  return `mqtt:${line.client} ${line.topic}`
}

function addressOf(line: Exclude<TerminalLine, { readonly type: 'bus' }>): string {
  if (line.type === 'serial') return line.path
  if (line.type === 'ble') return bleAddress(line)
  if (line.type === 'mqtt') return publisherOf(line)
  const { host: name, port } = line.type === 'printer' ? line.listen : line
  return `${name}:${port}`
}
