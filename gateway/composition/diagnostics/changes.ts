import { z } from 'zod'
import { equalBytes, toHex } from '../../core/bytes.js'
import { systemClock } from '../../core/clock.js'
import { messageOf, TillbridgeError } from '../../core/errors.js'
import { LIMITS } from '../../core/limits.js'
import { systemRandom } from '../../core/random.js'
import { within } from '../../core/within.js'
import { type GatewayVerb, gatewayVerb } from '../../downlink/gateway-verb.js'
import type { Transport } from '../../line/transport/transport.js'
import { createTransport } from '../transport.js'
import {
  answered,
  type Diagnosed,
  DONE,
  ofTerminal,
  refused,
  spokenOf,
  unknownTerminal,
} from './diagnosed.js'

const PATTERN_BYTES = 64
/** Time in which the outcome reaches HQ before the process ends. */
const FAREWELL_MS = 2_000

/** What takes a line from its terminal, or the gateway down, for a moment. */
export function changingVerbs(diagnosed: Diagnosed): readonly GatewayVerb[] {
  return [restartVerb(diagnosed), loopbackVerb(diagnosed)]
}

/** Without a terminal it is the gateway that restarts: whoever supervises it starts it again. */
function restartVerb(diagnosed: Diagnosed): GatewayVerb {
  return gatewayVerb({
    name: 'restart',
    changes: true,
    arguments: z.strictObject({ terminal: z.string().exactOptional() }),
    run: async ({ terminal }) => {
      if (terminal === undefined) {
        systemClock.after(FAREWELL_MS, diagnosed.restart)
        return DONE
      }
      const spoken = spokenOf(diagnosed, terminal)
      if (spoken === undefined) return unknownTerminal(diagnosed, terminal)
      const tap = diagnosed.shop.instruments.tapOf(spoken.terminal.id)
      return borrowing(() => tap.lend(async () => DONE))
    },
  })
}

/** Bytes out and in again over a loop plug, while the terminal's session keeps off. */
function loopbackVerb(diagnosed: Diagnosed): GatewayVerb {
  return gatewayVerb({
    name: 'loopback',
    changes: true,
    arguments: ofTerminal,
    run: async ({ terminal }, context) => {
      const spoken = spokenOf(diagnosed, terminal)
      if (spoken === undefined) return unknownTerminal(diagnosed, terminal)
      const { line } = spoken.terminal
      if (line.type !== 'serial') return refused(`${terminal} has no serial port of its own`)
      const tap = diagnosed.shop.instruments.tapOf(spoken.terminal.id)
      return borrowing(async () => {
        const transport = createTransport(line, spoken.dialect.line)
        const seen = await tap.lend(() => loop(transport, context.signal))
        return answered({ text: [loopText(seen)], data: seen }, context)
      })
    },
  })
}

async function borrowing<Outcome>(work: () => Promise<Outcome>) {
  try {
    return await work()
  } catch (thrown) {
    if (thrown instanceof TillbridgeError) return refused(messageOf(thrown))
    throw thrown
  }
}

interface Looped {
  readonly sent: number
  readonly received: number
  readonly isSame: boolean
  /** The first bytes where others came than went out. */
  readonly came?: string
}

async function loop(transport: Transport, signal: AbortSignal): Promise<Looped> {
  const connection = await transport.connect(signal)
  // Seven bits pass every line; never a control character, in case a terminal hears it.
  const pattern = systemRandom.bytes(PATTERN_BYTES).map(byte => 0x30 | (byte & 0x0f))
  let heard = new Uint8Array(0)
  const hear = async (): Promise<void> => {
    for await (const { bytes } of connection) {
      heard = Buffer.concat([heard, bytes])
      if (heard.length >= pattern.length) return
    }
  }
  try {
    const hearing = hear()
    await connection.write(pattern)
    await within(systemClock, { ms: LIMITS.loopbackMs, work: hearing })
  } finally {
    await connection.close()
  }
  const isSame = equalBytes(heard, pattern)
  const came = isSame || heard.length === 0 ? {} : { came: toHex(heard.slice(0, PATTERN_BYTES)) }
  return { sent: pattern.length, received: heard.length, isSame, ...came }
}

function loopText({ sent, received, isSame, came }: Looped): string {
  if (isSame) return `${sent} bytes went out and came back: port, adapter and plug are well`
  if (received === 0) return `${sent} bytes went out, none came back: no loop plug, or a dead port`
  return `${sent} bytes went out, ${received} came back, not the same: ${came}`
}
