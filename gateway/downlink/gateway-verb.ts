import type { ZodType } from 'zod'
import { describeIssues, parseWith } from '../core/schema.js'
import type { CommandOutcome, CommandValues } from '../wire/command.js'

/** What a command may do while it runs. */
export interface CommandContext {
  /** Aborts where it was cancelled, or the gateway stops. */
  readonly signal: AbortSignal
  /** Who asked for it. */
  readonly issuer: string
  /**
   * Sends the next piece of a long answer; resolves once HQ's broker has it, however long that
   * takes: whoever has more to say waits. Rejects once the signal aborts. At most
   * LIMITS.answerChunkBytes.
   */
  emit(chunk: Uint8Array): Promise<void>
}

/** Something that HQ may ask of the gateway itself. */
export interface GatewayVerb {
  readonly name: string
  /** Whether anything is another afterwards: then it is journaled before it runs. */
  readonly changes: boolean
  run(given: CommandValues, context: CommandContext): Promise<CommandOutcome>
}

/** A verb whose arguments pass its schema; others are refused in its name. */
export function gatewayVerb<Arguments>(verb: {
  readonly name: string
  readonly arguments: ZodType<Arguments>
  readonly changes: boolean
  run(given: Arguments, context: CommandContext): Promise<CommandOutcome>
}): GatewayVerb {
  const { name, changes } = verb
  return {
    name,
    changes,
    run: async (given, context) => {
      const parsed = parseWith(verb.arguments, given)
      if (parsed.ok) return verb.run(parsed.value, context)
      const detail = describeIssues(parsed.error).slice(0, 400)
      return { type: 'failed', reason: 'rejected', detail }
    },
  }
}
