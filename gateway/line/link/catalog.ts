import { z } from 'zod'
import { AckNakLink, ackNakSchema } from './ack-nak.js'
import type { Link } from './link.js'
import { PollLink, pollSchema } from './poll.js'
import { unsolicitedLink } from './unsolicited.js'

/** Who may speak when, as a dialect says it. */
export const linkSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('unsolicited') }),
  ackNakSchema,
  pollSchema,
])

export type LinkOptions = z.infer<typeof linkSchema>

/** Stateless itself: any number of sessions may share one. */
export function createLink(options: LinkOptions): Link<unknown> {
  switch (options.type) {
    case 'unsolicited':
      return unsolicitedLink
    case 'ack-nak':
      return new AckNakLink(options)
    case 'poll':
      return new PollLink(options)
  }
}
