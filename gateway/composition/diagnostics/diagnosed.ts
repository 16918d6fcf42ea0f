import { z } from 'zod'
import { systemClock } from '../../core/clock.js'
import type { TerminalId } from '../../core/ids.js'
import type { CableWatch } from '../../diagnostics/cable-watch.js'
import type { ClockWatch } from '../../diagnostics/clock-watch.js'
import { bluezAdapters } from '../../diagnostics/machine/bluez.js'
import type { Machine } from '../../diagnostics/machine/check.js'
import { PartStream } from '../../diagnostics/part-stream.js'
import { type CommandContext, type GatewayVerb, gatewayVerb } from '../../downlink/gateway-verb.js'
import type { Journal } from '../../journal/journal.js'
import type { AnswerPart } from '../../wire/answer-part.js'
import type { CommandOutcome } from '../../wire/command.js'
import type { StoreStatus } from '../../wire/status.js'
import type { Spoken } from '../dialects.js'
import type { Shop } from '../shop.js'

/** The gateway as remote diagnostics see it. */
export interface Diagnosed {
  readonly shop: Shop
  readonly journal: Journal
  readonly spoken: readonly Spoken[]
  readonly cables: CableWatch
  readonly status: () => StoreStatus
  readonly clockWatch: Pick<ClockWatch, 'latest'>
  /** What was captured last of each terminal, for the bundle. */
  readonly captures: Map<TerminalId, string>
  /** Ends the process in good order; who supervises it starts it again. */
  readonly restart: () => void
}

export function machineOf({ config, clockState }: Shop): Machine {
  return {
    config,
    clock: systemClock,
    root: '',
    clockState,
    bluetoothAdapters: bluezAdapters,
  }
}

export const noArguments = z.strictObject({})
export const ofTerminal = z.strictObject({ terminal: z.string() })

export function spokenOf({ spoken }: Diagnosed, id: string): Spoken | undefined {
  return spoken.find(({ terminal }) => terminal.id === id)
}

export function unknownTerminal({ spoken }: Diagnosed, id: string): CommandOutcome {
  const known = spoken.map(({ terminal }) => terminal.id).join(', ')
  const detail = `no terminal is called ${id}; there are ${known || 'none'}`.slice(0, 400)
  return { type: 'failed', reason: 'rejected', detail }
}

export function refused(detail: string): CommandOutcome {
  return { type: 'failed', reason: 'rejected', detail: detail.slice(0, 400) }
}

export const DONE: CommandOutcome = { type: 'successful', values: {} }

/** A verb that changes nothing and answers once. */
export function question<Arguments>(asked: {
  readonly name: string
  readonly arguments: z.ZodType<Arguments>
  readonly answer: (
    given: Arguments,
    context: CommandContext,
  ) => Promise<AnswerPart | CommandOutcome>
}): GatewayVerb {
  const { name, answer } = asked
  return gatewayVerb({
    name,
    arguments: asked.arguments,
    changes: false,
    run: async (given, context) => {
      const part = await answer(given, context)
      if ('type' in part) return part
      return answered(part, context)
    },
  })
}

export async function answered(part: AnswerPart, context: CommandContext): Promise<CommandOutcome> {
  const stream = new PartStream(chunk => context.emit(chunk))
  stream.push(part)
  await stream.end()
  return DONE
}
