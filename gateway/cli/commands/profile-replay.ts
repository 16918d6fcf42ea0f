import { Command } from 'commander'
import { systemClock } from '../../core/clock.js'
import { processesHolding } from '../../diagnostics/machine/processes.js'
import { canonicalJson } from '../../event/canonical-json.js'
import type { InterpretingDialect } from '../../profile/dialect.js'
import { openPseudoTerminal } from '../../simulator/pseudo-terminal.js'
import { readBytes } from '../../workbench/capture/read-bytes.js'
import { replay } from '../../workbench/capture/replay.js'
import { decodedLines } from '../../workbench/decoded-lines.js'
import { captureNow } from '../../workbench/explain.js'
import type { TimedBytes } from '../../workbench/listen.js'
import { EXIT, type ExitCode } from '../exit-codes.js'
import type { CliIo } from '../io.js'
import {
  chooseDialect,
  type DialectFlags,
  dialectOptions,
  refuse,
} from '../profile/choose-dialect.js'
import { stopSignal } from '../stop-signal.js'
import { timeZoneOption } from '../time-zone.js'

interface Flags extends DialectFlags {
  readonly timeZone: string
  readonly onto?: string
  readonly speed: string
  readonly now?: true
}

/** Looks whether the port was opened, and time left to read the last bytes. */
const LOOK_MS = 100
const LINGER_MS = 1000

/** `tillbridge profile replay`: a capture once more, for a decoder or for a gateway. */
export function profileReplayCommand(io: CliIo): Command {
  const command = new Command('replay')
    .description('decode a capture to events, or play it onto a pseudo-terminal')
    .argument('<capture>', 'a capture or other file, hexadecimal bytes, or - for standard input')
    .addOption(timeZoneOption("the shop's time zone"))
    .option('--onto <path>', 'make a serial port of this name and speak as the terminal did')
    .option('--speed <factor>', 'so many times as fast; 0: without waiting', '1')
    .option('--now', 'do not wait until someone has opened the port')
  for (const option of dialectOptions()) command.addOption(option)
  return command.action(async (given: string, flags: Flags) => {
    const bytes = await readBytes(given, process.stdin)
    if (!bytes.ok) return refuse(io, [bytes.error])
    const { chunks } = bytes.value
    const speed = Number(flags.speed)
    if (!(speed >= 0)) return refuse(io, ['--speed: expected a factor; write --speed 10'])
    const { onto, now } = flags
    if (onto !== undefined)
      return io.exit(await play({ io, onto, speed, now: now === true, chunks }))
    const dialect = await chooseDialect(flags, io)
    return io.exit(decode({ io, dialect, chunks, timeZone: flags.timeZone }))
  })
}

function decode(options: {
  readonly io: CliIo
  readonly dialect: InterpretingDialect
  readonly chunks: readonly TimedBytes[]
  readonly timeZone: string
}): ExitCode {
  const { io, timeZone } = options
  for (const line of decodedLines({ ...options, capture: captureNow(timeZone) }))
    io.print(canonicalJson(line))
  return EXIT.ok
}

async function play(options: {
  readonly io: CliIo
  readonly onto: string
  readonly speed: number
  readonly now: boolean
  readonly chunks: readonly TimedBytes[]
}): Promise<ExitCode> {
  const { io, onto, speed, now, chunks } = options
  const clock = systemClock
  const signal = stopSignal({ clock, exit: io.exit })
  const line = openPseudoTerminal({ link: onto })
  let answered = 0
  line.onData(bytes => {
    answered += bytes.length
  })
  try {
    io.complain(`${onto}: ${now ? 'speaking' : 'waiting until someone opens it'}`)
    while (!now && !signal.aborted && !(await isOpened(line.device)))
      await clock.sleep(LOOK_MS, signal)
    // Opening a port drops what came before its settings were made.
    await clock.sleep(LOOK_MS, signal)
    await replay({ chunks, speed, clock, write: bytes => line.write(bytes), signal })
    await clock.sleep(LINGER_MS, signal)
  } finally {
    line.close()
  }
  const said = chunks.filter(({ from }) => from === 'terminal')
  const bytes = said.reduce((sum, one) => sum + one.bytes.length, 0)
  io.complain(`${bytes} bytes said, ${answered} answered`)
  return EXIT.ok
}

async function isOpened(device: string): Promise<boolean> {
  const holders = await processesHolding({ proc: '/proc', path: device })
  return holders.some(({ pid }) => pid !== process.pid)
}
