import { z } from 'zod'
import { systemClock } from '../../core/clock.js'
import { LIMITS } from '../../core/limits.js'
import type { GatewayVerb } from '../../downlink/gateway-verb.js'
import type { LineTap, PassedBytes } from '../../line/transport/line-tap.js'
import { type Diagnosed, question, refused, spokenOf, unknownTerminal } from './diagnosed.js'

/**
 * Whether a terminal answers, in its own protocol: what the gateway asks it anyway is timed. One
 * that is asked nothing, and can be asked what it is, is asked that: its line is opened anew.
 */
export function pingQuestion(diagnosed: Diagnosed): GatewayVerb {
  return question({
    name: 'ping-terminal',
    arguments: z.strictObject({
      terminal: z.string(),
      seconds: z.number().min(1).max(LIMITS.pingSeconds).default(6),
    }),
    answer: async ({ terminal, seconds }, { signal }) => {
      const spoken = spokenOf(diagnosed, terminal)
      if (spoken === undefined) return unknownTerminal(diagnosed, terminal)
      const tap = diagnosed.shop.instruments.tapOf(spoken.terminal.id)
      const { identify, dialect } = spoken
      // One that repeats what it got no answer to loses nothing while its line is opened.
      const mayReopen = identify !== undefined && dialect.link.answers
      if (tap.activity.openSinceMs === undefined && !mayReopen)
        return refused('its line is not open: see `diag terminals`')
      const seen = await exchanges(tap, { signal, forMs: seconds * 1000, reopen: mayReopen })
      return { text: [textOf(terminal, seen)], data: seen }
    },
  })
}

interface Exchanges {
  readonly asked: number
  readonly answered: number
  /** Times from a question to the first byte after it, in the order they were asked. */
  readonly tookMs: readonly number[]
  /** Bytes that came unasked. */
  readonly unasked: number
}

const ENOUGH = 5

async function exchanges(
  tap: LineTap,
  {
    signal,
    forMs,
    reopen,
  }: { readonly signal: AbortSignal; readonly forMs: number; readonly reopen: boolean },
): Promise<Exchanges> {
  let [asked, unasked] = [0, 0]
  const tookMs: number[] = []
  let openMs: number | undefined
  const over = new AbortController()
  const stop = tap.listen(({ from, bytes, atMs }: PassedBytes) => {
    if (from === 'host') {
      asked += 1
      openMs = atMs
    } else if (openMs === undefined) unasked += bytes.length
    else {
      tookMs.push(Math.round((atMs - openMs) * 10) / 10)
      openMs = undefined
      if (tookMs.length >= ENOUGH) over.abort()
    }
  })
  const ended = AbortSignal.any([signal, over.signal])
  await systemClock.sleep(forMs / 2, ended)
  if (reopen && asked === 0 && !ended.aborted) await tap.lend(async () => undefined)
  await systemClock.sleep(forMs / 2, ended)
  stop()
  return { asked, answered: tookMs.length, tookMs, unasked }
}

function textOf(terminal: string, { asked, answered, tookMs, unasked }: Exchanges): string {
  const heard = unasked === 0 ? 'not a byte came' : `${unasked} bytes came unasked`
  if (asked === 0) return `${terminal} is not asked anything in its protocol; ${heard}`
  const times = tookMs.length === 0 ? '' : ` after ${tookMs.join(', ')} ms`
  return `${terminal} answered ${answered} of ${asked}${times}; ${heard}`
}
