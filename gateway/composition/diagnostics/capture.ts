import { z } from 'zod'
import { rfc3339, systemClock } from '../../core/clock.js'
import { LIMITS } from '../../core/limits.js'
import { systemRandom } from '../../core/random.js'
import { PartStream } from '../../diagnostics/part-stream.js'
import { type GatewayVerb, gatewayVerb } from '../../downlink/gateway-verb.js'
import { ChunkQueue } from '../../line/transport/chunk-queue.js'
import type { LineTap, PassedBytes } from '../../line/transport/line-tap.js'
import type { Connection } from '../../line/transport/transport.js'
import type { Dialect, InterpretingDialect } from '../../profile/dialect.js'
import { captureLine, chunksOf, parseCapture } from '../../workbench/capture/capture-file.js'
import { recordLine } from '../../workbench/capture/record-line.js'
import { explain } from '../../workbench/explain.js'
import { explanationLines } from '../../workbench/explanation-text.js'
import type { Spoken } from '../dialects.js'
import { type Diagnosed, DONE, spokenOf, unknownTerminal } from './diagnosed.js'
import { settingsOf } from './terminal-report.js'

/** What passes on a terminal's line while it sells on; docs/capture-format.md. */
export function captureVerb(diagnosed: Diagnosed): GatewayVerb {
  return gatewayVerb({
    name: 'capture',
    changes: false,
    arguments: z.strictObject({
      terminal: z.string(),
      seconds: z.number().min(1).max(LIMITS.captureSeconds).default(60),
    }),
    run: async ({ terminal, seconds }, { signal, emit }) => {
      const spoken = spokenOf(diagnosed, terminal)
      if (spoken === undefined) return unknownTerminal(diagnosed, terminal)
      const stream = new PartStream(emit)
      const over = new AbortController()
      const cancel = systemClock.after(seconds * 1000, () => over.abort())
      const lines: string[] = []
      const write = (line: string): void => {
        lines.push(line)
        stream.push({ file: line })
      }
      const ended = AbortSignal.any([signal, over.signal])
      await record(diagnosed, { spoken, write, signal: ended, limit: () => over.abort() })
      cancel()
      const whole = `${lines.join('\n')}\n`
      diagnosed.captures.set(spoken.terminal.id, whole)
      stream.push({ text: [...decoded(diagnosed, spoken, whole)] })
      await stream.end()
      return DONE
    },
  })
}

async function record(
  { shop }: Diagnosed,
  options: {
    readonly spoken: Spoken
    readonly write: (line: string) => void
    readonly signal: AbortSignal
    /** Called where more comes than a capture holds. */
    readonly limit: () => void
  },
): Promise<void> {
  const { spoken, write, signal, limit } = options
  const { id, line } = spoken.terminal
  const tap = shop.instruments.tapOf(id)
  const address = 'path' in line ? line.path : id
  const startedAt = rfc3339(systemClock.wallMs(), 'UTC')
  const [baudRate, mode] = settingsOf(spoken)?.split(' ') ?? []
  const settings = baudRate && mode ? { baudRate: Number(baudRate), mode } : {}
  const head = { format: 'tillbridge-capture', version: 1, startedAt, address } as const
  write(captureLine({ ...head, ...settings }))
  let bytes = 0
  const count = (passed: PassedBytes): void => {
    bytes += passed.bytes.length
    if (bytes > LIMITS.captureBytes) limit()
  }
  const stopCounting = tap.listen(count)
  await recordLine({
    lines: [
      { from: 'terminal', connection: overhear(tap, 'terminal') },
      { from: 'host', connection: overhear(tap, 'host') },
    ],
    clock: systemClock,
    write,
    signal,
  })
  stopCounting()
}

/** One direction of a tapped line, as if it were a line of its own that is only read. */
function overhear(tap: LineTap, from: PassedBytes['from']): Connection {
  const queue = new ChunkQueue({ clock: systemClock })
  const stop = tap.listen(passed => {
    if (passed.from === from) queue.push(passed.bytes)
  })
  return {
    write: () => Promise.reject(new RangeError('it is only listened to')),
    close: async () => {
      stop()
      queue.close()
    },
    [Symbol.asyncIterator]: () => queue[Symbol.asyncIterator](),
  }
}

/** Hidden digits spoil the checksum of their frame here, as docs/capture-format.md says. */
function decoded(
  { shop }: Diagnosed,
  { terminal, dialect }: Spoken,
  capture: string,
): readonly string[] {
  const parsed = parseCapture(capture)
  if (!parsed.ok || !isInterpreting(dialect)) return ['(nobody here can decode it)']
  const chunks = chunksOf(parsed.value)
  if (chunks.length === 0) return ['not one byte passed']
  const { store, clockState, config } = shop
  const explanations = explain({
    dialect,
    chunks,
    capture: {
      store,
      terminal: terminal.id,
      timeZone: config.timeZone,
      clockState: clockState(),
      clock: systemClock,
      random: systemRandom,
    },
  })
  const lines: string[] = []
  for (const explanation of explanations) {
    lines.push(...explanationLines(explanation, { colours: false }))
    if (lines.length > LIMITS.captureLines) return [...lines, '(and so on)']
  }
  return lines
}

function isInterpreting(dialect: Dialect): dialect is InterpretingDialect {
  return 'interpret' in dialect
}
