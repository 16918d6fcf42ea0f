import { z } from 'zod'
import { PollLink } from '../../line/link/poll.js'

/** How often a scale is asked, and how long it may take to answer. */
export const pollingFields = {
  everyMs: z.int().min(50).max(60_000).default(300),
  replyWithinMs: z.int().min(20).max(10_000).default(300),
} as const

/** Misses in a row after which a scale counts as absent. */
const ABSENT_AFTER = 5

/** A scale that is asked again and again; what it says twice in a row is delivered once. */
export function pollScale(options: {
  readonly request: string
  readonly everyMs: number
  readonly replyWithinMs: number
}): PollLink {
  const { request, everyMs, replyWithinMs } = options
  return new PollLink({
    type: 'poll',
    requests: [request],
    everyMs,
    replyWithinMs,
    absentAfter: ABSENT_AFTER,
    onlyChanges: true,
  })
}
