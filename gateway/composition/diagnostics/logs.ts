import { z } from 'zod'
import { systemClock } from '../../core/clock.js'
import { LIMITS } from '../../core/limits.js'
import { parseJson } from '../../core/schema.js'
import { PartStream } from '../../diagnostics/part-stream.js'
import { type GatewayVerb, gatewayVerb } from '../../downlink/gateway-verb.js'
import { type Diagnosed, DONE } from './diagnosed.js'

/** As pino numbers them. */
const LEVELS = { trace: 10, debug: 20, info: 30, warn: 40, error: 50, fatal: 60 } as const

const logLine = z.looseObject({
  level: z.number(),
  time: z.number().optional(),
  msg: z.string().optional(),
})

/** The last lines of the log, and for so many seconds those that follow. */
export function logsVerb({ shop }: Diagnosed): GatewayVerb {
  return gatewayVerb({
    name: 'logs',
    changes: false,
    arguments: z.strictObject({
      last: z.int().min(0).max(5000).default(100),
      level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal']).default('trace'),
      followSeconds: z.int().min(0).max(LIMITS.followSeconds).default(0),
    }),
    run: async ({ last, level, followSeconds }, { signal, emit }) => {
      const { logs } = shop.instruments
      const stream = new PartStream(emit)
      const push = (line: string): void => {
        const shown = textOf(line, LEVELS[level])
        if (shown !== undefined) stream.push(shown)
      }
      const stop = logs.listen(push)
      for (const line of logs.last(last)) push(line)
      if (followSeconds > 0) await systemClock.sleep(followSeconds * 1000, signal)
      stop()
      await stream.end()
      return DONE
    },
  })
}

function textOf(line: string, least: number) {
  const json = parseJson(line)
  const parsed = logLine.safeParse(json.ok ? json.value : undefined)
  if (!parsed.success) return { text: [line] }
  const { level, time, msg = '', ...fields } = parsed.data
  if (level < least) return undefined
  const name = Object.entries(LEVELS).find(([, value]) => value === level)?.[0] ?? String(level)
  const at = time === undefined ? '' : new Date(time).toISOString()
  const rest = Object.entries(fields).map(([key, value]) => `${key}=${JSON.stringify(value)}`)
  return { text: [[at, name.toUpperCase().padEnd(5), msg, ...rest].join(' ')], data: parsed.data }
}
