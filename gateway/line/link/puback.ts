import type { FramerOutput } from '../framing/framer.js'
import type { Link, LinkEffect, LinkStep } from './link.js'
import { unsupported } from './unsupported.js'

/** Answers of a `pubackLink`: its line acknowledges the message, or has the terminal repeat it. */
const TAKEN = 1
const NOT_TAKEN = 0

/**
 * A terminal that publishes by MQTT and repeats what was not acknowledged (3.1.1 §4.3.2). Each
 * frame has one answer, in order, once it is settled.
 */
export const pubackLink: Link<undefined> = {
  initial: undefined,
  answers: true,
  next(state, input): LinkStep<undefined> {
    switch (input.type) {
      case 'framed':
        return { state, effects: [effectOf(input.output)] }
      case 'settled':
        return { state, effects: [answer(input.outcome === 'refused' ? NOT_TAKEN : TAKEN)] }
      case 'commanded':
        return unsupported(state, input.command)
      case 'opened':
      case 'elapsed':
        return { state, effects: [] }
    }
  },
}

/** For a terminal of which too little is known: what it says is kept, and not acknowledged. */
export const wordlessLink: Link<undefined> = {
  ...pubackLink,
  next: (state, input) =>
    pubackLink.next(state, input.type === 'settled' ? { ...input, outcome: 'refused' } : input),
}

function effectOf(output: FramerOutput): LinkEffect {
  const { type, raw } = output
  return type === 'frame' ? { type: 'deliver', payload: output.payload, raw } : answer(NOT_TAKEN)
}

function answer(byte: number): LinkEffect {
  return { type: 'write', bytes: Uint8Array.of(byte) }
}
