import type { Link } from './link.js'
import { unsupported } from './unsupported.js'

/** A terminal that only talks: nothing it sends is answered, so nothing is asked for again. */
export const unsolicitedLink: Link<undefined> = {
  initial: undefined,
  answers: false,
  next: (state, input) => {
    if (input.type === 'commanded') return unsupported(state, input.command)
    if (input.type !== 'framed' || input.output.type !== 'frame') return { state, effects: [] }
    const { payload, raw } = input.output
    return { state, effects: [{ type: 'deliver', payload, raw }] }
  },
}
