import { equalBytes } from '../../core/bytes.js'
import type { Link, LinkInput, LinkStep } from '../../line/link/link.js'
import { unsupported } from '../../line/link/unsupported.js'

/** What was said last, since the line was opened. */
type ChangesState = Uint8Array | undefined

/** A scale that says the same ten times a second: only what differs from before is delivered. */
export const changesLink: Link<ChangesState> = {
  initial: undefined,
  answers: false,
  next: (state: ChangesState, input: LinkInput): LinkStep<ChangesState> => {
    if (input.type === 'commanded') return unsupported(state, input.command)
    if (input.type !== 'framed' || input.output.type !== 'frame') return { state, effects: [] }
    const { payload, raw } = input.output
    if (state !== undefined && equalBytes(state, payload)) return { state, effects: [] }
    return { state: payload, effects: [{ type: 'deliver', payload, raw }] }
  },
}
