import type { LinkCommand, LinkStep } from './link.js'

/** The answer of a link that takes no commands. */
export function unsupported<State>(state: State, command: LinkCommand): LinkStep<State> {
  const detail = `the terminal has no ${command.verb}`
  const outcome = { type: 'failed', reason: 'unsupported', detail } as const
  return { state, effects: [{ type: 'answered', id: command.id, outcome }] }
}
