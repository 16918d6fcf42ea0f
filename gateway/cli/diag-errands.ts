import type { CommandValues } from '../wire/command.js'
import { EXIT } from './exit-codes.js'
import type { CliIo } from './io.js'
import { durationMs } from './profile/line-flags.js'

/** What a technician may say beside the question. */
export interface DiagFlags {
  readonly for?: string
  readonly follow?: true
  readonly last?: string
  readonly level?: string
  readonly receipt?: string
  readonly terminal?: string
}

/** A question as a shop's gateway understands it. */
export interface DiagErrand {
  readonly verb: string
  readonly arguments: CommandValues
  /** How long it runs in the shop by itself. */
  readonly runsMs: number
}

const CAPTURE_MS = 60_000
const FOLLOW_MS = 600_000

/** The questions, as `tillbridge diag <what> [about]` names them. */
export const DIAG_QUESTIONS: Readonly<Record<string, string>> = {
  status: 'everything that is known',
  'terminals [id]': 'lines, figures, and why one sends nothing',
  ports: 'serial ports: names, USB, driver, RS-485, who has them open',
  'capture <terminal>': 'what passes on its line for a while, decoded beside',
  logs: 'the last lines of the log, and with --follow the next ones',
  journal: 'backlog and ranges; with --receipt: where one receipt is',
  'ping <terminal>': 'whether it answers in its own protocol, and how fast',
  'loopback <terminal>': 'whether its port hears itself over a loop plug (stops it for a moment)',
  ble: 'Bluetooth: adapter, and how strong each terminal is heard',
  network: 'the way to HQ: DNS, TLS, latency, loss',
  clock: 'whether it is right, and what it was wrong by',
  disk: 'room, filesystem, wear',
  'restart <terminal>|gateway': 'opens a line anew, or starts the gateway anew',
  bundle: 'all of it as one archive without secrets (--out)',
}

/** Undefined where it was named wrongly, and that is said. */
export function diagErrand(
  what: string,
  about: string | undefined,
  flags: DiagFlags,
  io: CliIo,
): DiagErrand {
  const forMs = flags.for === undefined ? undefined : durationMs(flags.for)
  if (flags.for !== undefined && forMs === undefined)
    return refuse(io, '--for: expected a time; write --for 60s')
  const terminal = about ?? flags.terminal
  const needed = (): string =>
    terminal ?? refuse(io, `${what}: expected a terminal; write diag … ${what} till-7`)
  const simple = (verb: string, values: CommandValues = {}): DiagErrand => ({
    verb,
    arguments: values,
    runsMs: 0,
  })
  const optional = terminal === undefined ? {} : { terminal }
  switch (what) {
    case 'status':
    case 'ports':
    case 'ble':
    case 'network':
    case 'clock':
    case 'disk':
    case 'bundle':
      return simple(what)
    case 'terminals':
      return simple('terminals', optional)
    case 'journal': {
      const { receipt } = flags
      return simple('journal', receipt === undefined ? {} : { receipt, ...optional })
    }
    case 'ping': {
      const seconds = forMs === undefined ? {} : { seconds: forMs / 1000 }
      return simple('ping-terminal', { terminal: needed(), ...seconds })
    }
    case 'loopback':
      return simple('loopback', { terminal: needed() })
    case 'restart': {
      const named = needed()
      return simple('restart', named === 'gateway' ? {} : { terminal: named })
    }
    case 'capture': {
      const runsMs = forMs ?? CAPTURE_MS
      const seconds = Math.max(1, Math.round(runsMs / 1000))
      return { verb: 'capture', arguments: { terminal: needed(), seconds }, runsMs }
    }
    case 'logs':
      return logsErrand(flags, forMs)
    default:
      return refuse(io, `${what}: expected one of ${Object.keys(DIAG_QUESTIONS).join(', ')}`)
  }
}

function logsErrand({ last, level, follow }: DiagFlags, forMs: number | undefined): DiagErrand {
  const runsMs = follow === undefined ? 0 : (forMs ?? FOLLOW_MS)
  return {
    verb: 'logs',
    arguments: {
      followSeconds: Math.round(runsMs / 1000),
      ...(last === undefined ? {} : { last: Number(last) }),
      ...(level === undefined ? {} : { level }),
    },
    runsMs,
  }
}

function refuse(io: CliIo, fault: string): never {
  io.complain(fault)
  return io.exit(EXIT.usage)
}
