import { z } from 'zod'
import { hexBytes } from '../framing/framing-field.js'
import { AckNakLink, ackNakSchema } from './ack-nak.js'
import { DeclaredEcr, declaredEcr } from './declared-ecr.js'
import { EcrLink, ecrTiming } from './ecr.js'
import type { Link } from './link.js'
import { PollLink, pollSchema } from './poll.js'
import { unsolicitedLink } from './unsolicited.js'

/** The till asks, the terminal answers. */
const ecrSchema = z.strictObject({ type: z.literal('ecr'), ...ecrTiming, ...declaredEcr })

/** The same where each side bids for the line before its message. */
const enqEotSchema = z.strictObject({
  type: z.literal('enq-eot'),
  enq: hexBytes.default('05'),
  eot: hexBytes.default('04'),
  ...ecrTiming,
  ...declaredEcr,
})

/** Who may speak when, as a dialect says it. */
export const linkSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('unsolicited') }),
  ackNakSchema,
  pollSchema,
  ecrSchema,
  enqEotSchema,
])

export type LinkOptions = z.infer<typeof linkSchema>

/**
 * Stateless itself: any number of sessions may share one. `frame` writes what a link has to say of
 * itself.
 */
export function createLink(
  options: LinkOptions,
  frame: (payload: Uint8Array) => Uint8Array,
): Link<unknown> {
  switch (options.type) {
    case 'unsolicited':
      return unsolicitedLink
    case 'ack-nak':
      return new AckNakLink(options)
    case 'poll':
      return new PollLink(options)
    case 'ecr':
      return new EcrLink({ timing: options, language: new DeclaredEcr(options, frame) })
    case 'enq-eot':
      return new EcrLink({
        timing: options,
        language: new DeclaredEcr(options, frame),
        bidding: options,
      })
  }
}
