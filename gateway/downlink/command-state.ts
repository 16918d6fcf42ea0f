import type { CommandOutcome } from '../wire/command.js'

/** How far a command is. */
export type CommandState =
  | { readonly type: 'accepted' }
  | { readonly type: 'executing' }
  | { readonly type: 'ended'; readonly outcome: CommandOutcome }

export type CommandInput =
  | { readonly type: 'begun' }
  | { readonly type: 'done'; readonly outcome: CommandOutcome }
  /** The gateway was started anew, and nothing runs any more. */
  | { readonly type: 'restarted' }

const NOT_BEGUN: CommandOutcome = {
  type: 'failed',
  reason: 'rejected',
  detail: 'the gateway was started anew before it was begun',
}

const CUT_SHORT: CommandOutcome = {
  type: 'failed',
  reason: 'unknown',
  detail: 'the gateway was started anew while it ran',
}

export function failed(
  reason: Extract<CommandOutcome, { readonly type: 'failed' }>['reason'],
  detail: string,
): CommandOutcome {
  return { type: 'failed', reason, detail: detail.slice(0, 400) }
}

/** Whether nobody can say what came of it. */
export function isUnknown(outcome: CommandOutcome): boolean {
  return outcome.type === 'failed' && outcome.reason === 'unknown'
}

/**
 * The states of a command: accepted, executing, ended. What has ended stays as it ended; what
 * cannot happen in a state changes nothing.
 */
export function nextState(state: CommandState, input: CommandInput): CommandState {
  switch (state.type) {
    case 'accepted':
      if (input.type === 'begun') return { type: 'executing' }
      if (input.type === 'restarted') return { type: 'ended', outcome: NOT_BEGUN }
      return { type: 'ended', outcome: input.outcome }
    case 'executing':
      if (input.type === 'begun') return state
      if (input.type === 'restarted') return { type: 'ended', outcome: CUT_SHORT }
      return { type: 'ended', outcome: input.outcome }
    case 'ended':
      return state
  }
}
