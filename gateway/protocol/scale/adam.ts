import { z } from 'zod'
import { DelimitedFramer, encodeDelimited } from '../../line/framing/delimited.js'
import type { Link } from '../../line/link/link.js'
import { PollLink, type PollState } from '../../line/link/poll.js'
import type { Protocol, Reading } from '../protocol.js'
import { pollingFields } from './polling.js'
import { readShown, STATUS_OUTLINE, WEIGHT_OUTLINE } from './scale-reading.js'

export const adamSchema = z.strictObject({
  type: z.literal('adam'),
  ...pollingFields,
  /** `P` asks for a print; CPWplus scales know `G` instead. */
  request: z.enum(['P', 'G']).default('P'),
})

const FRAMING = { type: 'delimited', delimiters: '0d0a', maxFrameBytes: 32 } as const
const LINE = /^\s*([+-]?)\s*(\d{1,8}(?:\.\d{1,6})?) *([A-Za-z]{1,2})\s*$/

/**
 * Adam: it prints a weight once, and is silent where there is none or no new one. That silence is
 * its answer: it is not counted, and the scale is never taken for absent. Source: Adam
 * Equipment, RS-232 interface.
 */
export function adam(options: z.output<typeof adamSchema>): Protocol {
  const { everyMs, replyWithinMs, request } = options
  const poll = new PollLink({
    type: 'poll',
    requests: [Buffer.from(`${request}\r\n`).toString('hex')],
    everyMs,
    replyWithinMs,
    absentAfter: Number.POSITIVE_INFINITY,
    // What it prints is always new, however much it looks like the one before.
    onlyChanges: false,
  })
  return {
    messages: [WEIGHT_OUTLINE, STATUS_OUTLINE],
    link: withoutTimeouts(poll),
    createFramer: () => new DelimitedFramer(FRAMING),
    read,
    encode: (message, { weight, unit = 'kg' }) => {
      if (message !== 'weight') throw new RangeError(`no message ${message}; there is weight`)
      return encodeDelimited(FRAMING, Buffer.from(`  ${weight}${unit}`))
    },
  }
}

function withoutTimeouts(poll: PollLink): Link<PollState> {
  return {
    initial: poll.initial,
    answers: poll.answers,
    next: (state, input) => {
      const step = poll.next(state, input)
      const isTimeout = (effect: (typeof step.effects)[number]): boolean =>
        effect.type === 'count' && effect.counter === 'timeout'
      return { state: step.state, effects: step.effects.filter(effect => !isTimeout(effect)) }
    },
  }
}

function read(payload: Uint8Array): Reading {
  const [, sign = '', weight, unit = ''] = LINE.exec(Buffer.from(payload).toString('latin1')) ?? []
  if (weight === undefined)
    return { type: 'rejected', message: 'weight', issue: 'expected a weight and its unit' }
  return readShown({ weight: `${sign}${weight}`, unit })
}
