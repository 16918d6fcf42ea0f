import type { FramerOutput } from '../framing/framer.js'
import type { Link, LinkEffect } from './link.js'
import { unsupported } from './unsupported.js'

/** A terminal that only talks: nothing it sends is answered, so nothing is asked for again. */
export const unsolicitedLink: Link<undefined> = {
  initial: undefined,
  answers: false,
  next: (state, input) => {
    if (input.type === 'commanded') return unsupported(state, input.command)
    return { state, effects: input.type === 'framed' ? delivered([input.output]) : [] }
  },
  // Who hangs up has said all: that is silence, too.
  ended: (state, { rest }) => ({ state, effects: delivered(rest) }),
}

function delivered(outputs: readonly FramerOutput[]): readonly LinkEffect[] {
  return outputs.flatMap((output): readonly LinkEffect[] => {
    if (output.type !== 'frame') return []
    const { payload, raw } = output
    return [{ type: 'deliver', payload, raw }]
  })
}
