import { closeSync, existsSync, openSync, writeSync } from 'node:fs'
import { Command, Option } from 'commander'
import { createBleTransport } from '../../composition/ble.js'
import { openRegistry } from '../../composition/dialects.js'
import { profileSource } from '../../composition/profile-source.js'
import { createTransport } from '../../composition/transport.js'
import type { LineConfig } from '../../config/line.js'
import { rfc3339, systemClock } from '../../core/clock.js'
import { messageOf, TillbridgeError } from '../../core/errors.js'
import { BleRadio } from '../../line/transport/bluez/ble-radio.js'
import type { LineSettings } from '../../profile/dialect.js'
import { captureLine } from '../../workbench/capture/capture-file.js'
import { type HeardLine, recordLine } from '../../workbench/capture/record-line.js'
import { count } from '../count.js'
import { EXIT, type ExitCode, exitCodeOf } from '../exit-codes.js'
import type { CliIo } from '../io.js'
import { refuse } from '../profile/choose-dialect.js'
import { durationMs, lineIn, settingsIn } from '../profile/line-flags.js'
import { configOption, loadShop } from '../shop.js'
import { stopSignal } from '../stop-signal.js'

interface Flags {
  readonly config?: string
  readonly terminal?: string
  readonly host?: string
  readonly baud: string
  readonly mode: string
  readonly for?: string
  readonly out?: string
}

/** `tillbridge profile capture`: what passes on a line, into a file that the workbench reads. */
export function profileCaptureCommand(io: CliIo): Command {
  return new Command('capture')
    .description('record what passes on a line, with its timing and without card data')
    .argument('[line]', 'a serial port, or host:port')
    .addOption(configOption())
    .option('--terminal <id>', 'the line of this terminal of the configuration')
    .option('--host <port>', 'a second port, which hears what the till says to the terminal')
    .addOption(new Option('--baud <rate>', 'of serial ports').default('9600'))
    .addOption(new Option('--mode <bits>', 'data bits, parity, stop bits').default('8N1'))
    .option('--for <time>', 'end after 30s, 5m, 1h; without: at Ctrl-C')
    .option('--out <file>', 'write here instead of to standard output')
    .action(async (line: string | undefined, flags: Flags) => {
      const settings = settingsIn(flags)
      if (!settings.ok) return refuse(io, [settings.error])
      const forMs = flags.for === undefined ? undefined : durationMs(flags.for)
      if (flags.for !== undefined && forMs === undefined)
        return refuse(io, ['--for: expected a time; write --for 60s'])
      if (flags.out !== undefined && existsSync(flags.out))
        return refuse(io, [`--out: ${flags.out} exists; write the name of a new file`])
      const places = await linesOf({ line, flags, settings: settings.value, io })
      try {
        return io.exit(await record({ io, places, flags, forMs }))
      } catch (thrown) {
        if (!(thrown instanceof TillbridgeError)) throw thrown
        io.complain(`${messageOf(thrown)}. ${thrown.advice}`)
        if (thrown.code === 'TB_LINE_BUSY')
          io.complain(
            'If it is the gateway of this shop, stop it first: one reads a line, not two.',
          )
        return io.exit(exitCodeOf(thrown))
      }
    })
}

interface Place {
  readonly config: LineConfig
  readonly settings: LineSettings
}

/** The terminal's line first, then that of its host. */
async function linesOf(options: {
  readonly line: string | undefined
  readonly flags: Flags
  readonly settings: LineSettings
  readonly io: CliIo
}): Promise<readonly Place[]> {
  const { line, flags, settings, io } = options
  const config = line === undefined ? undefined : lineIn(line)
  const own = config === undefined ? await configured(flags, io) : { config, settings }
  if (own === undefined)
    return refuse(io, ['expected a line; write /dev/ttyUSB0, host:port, or --terminal <id>'])
  const host = flags.host === undefined ? undefined : lineIn(flags.host)
  return [own, ...(host === undefined ? [] : [{ config: host, settings: own.settings }])]
}

/** A terminal's line as `run` opens it. */
async function configured(flags: Flags, io: CliIo): Promise<Place | undefined> {
  if (flags.terminal === undefined) return undefined
  const config = loadShop({ file: flags.config, io })
  const terminal = config.terminals.find(({ id }) => id === flags.terminal)
  if (terminal === undefined) {
    const names = config.terminals.map(({ id }) => id).join(', ')
    return refuse(io, [`--terminal: expected a terminal of the shop; write one of ${names}`])
  }
  const registry = await openRegistry(profileSource(config))
  const dialect = registry.speechOf(terminal)
  if (!dialect.ok) return refuse(io, [`${dialect.error.message}. ${dialect.error.advice}`])
  const { line } = terminal
  if (line.type === 'mqtt')
    return refuse(io, [`${terminal.id} has no line: listen to ${line.topic} at the broker`])
  const shared = line.type === 'bus' ? config.buses.find(({ id }) => id === line.bus)?.line : line
  return shared && { config: shared, settings: dialect.value.line }
}

async function record(options: {
  readonly io: CliIo
  readonly places: readonly Place[]
  readonly flags: Flags
  readonly forMs: number | undefined
}): Promise<ExitCode> {
  const { io, places, flags, forMs } = options
  const radio = new BleRadio({ clock: systemClock, connections: places.length })
  const transports = places.map(({ config, settings }) =>
    config.type === 'ble' ? createBleTransport(config, radio) : createTransport(config, settings),
  )
  const stop = stopSignal({ clock: systemClock, exit: io.exit })
  const over = new AbortController()
  if (forMs !== undefined) systemClock.after(forMs, () => over.abort())
  const signal = AbortSignal.any([stop, over.signal])
  const lines: HeardLine[] = []
  for (const [index, transport] of transports.entries())
    lines.push({
      from: index === 0 ? 'terminal' : 'host',
      connection: await transport.connect(signal),
    })
  const file = flags.out === undefined ? undefined : openSync(flags.out, 'w', 0o600)
  const write = (text: string): void => {
    if (file === undefined) io.print(text)
    else writeSync(file, `${text}\n`)
  }
  const address = transports.map(one => one.address).join(' ')
  io.complain(`recording ${address}; ${forMs === undefined ? 'Ctrl-C ends it' : flags.for}`)
  const startedAt = rfc3339(systemClock.wallMs(), 'UTC')
  const line = places[0] === undefined ? {} : describeLine(places[0])
  const head = { format: 'tillbridge-capture', version: 1, startedAt, address } as const
  write(captureLine({ ...head, ...line }))
  const { bytes, lost } = await recordLine({ lines, clock: systemClock, write, signal })
  if (file !== undefined) closeSync(file)
  io.complain(`${count(bytes, 'byte')} from ${address}`)
  if (lost === undefined) return EXIT.ok
  io.complain(`ended early, for the line was lost: ${lost}. Check its cable and power, then go on.`)
  return EXIT.cannotStart
}

/** How a serial port was set; nothing of a network line. */
function describeLine({ config, settings }: Place): { baudRate?: number; mode?: string } {
  if (config.type !== 'serial') return {}
  const { baudRate, dataBits, parity, stopBits } = { ...settings, ...config }
  return { baudRate, mode: `${dataBits}${parity.charAt(0).toUpperCase()}${stopBits}` }
}
