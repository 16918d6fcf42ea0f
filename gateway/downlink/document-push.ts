import { z } from 'zod'
import type { Clock } from '../core/clock.js'
import type { TerminalId } from '../core/ids.js'
import { LIMITS } from '../core/limits.js'
import { decodeJson } from '../core/schema.js'
import type { EventData } from '../event/event.js'
import type { CommandOutcome, CommandValues } from '../wire/command.js'

/** How a terminal takes documents of a kind: each line is one command. */
export interface LineCommand {
  readonly command: string
  readonly separator: string
  /** Lines before the first one that counts. */
  readonly headerLines: number
  /** Which column stands for which argument, counted from 0. */
  readonly values: Readonly<Record<string, number>>
  /** Whether a line may be told twice: then a crash repeats some, and else leaves one in doubt. */
  readonly repeatable: boolean
}

/** A terminal that takes documents. */
export interface DocumentTaker {
  readonly terminal: TerminalId
  /** Undefined where it takes none of this kind. */
  takes(kind: string): LineCommand | undefined
  isThere(): boolean
  command(command: {
    readonly id: string
    readonly verb: string
    readonly values: CommandValues
  }): Promise<CommandOutcome & { readonly notYet?: true }>
}

const pushProgress = z.strictObject({
  version: z.int(),
  /** Lines that are over, with those that do not count. */
  done: z.int(),
  /** The line behind them was begun. */
  begun: z.boolean(),
  lines: z.int(),
  refused: z.int(),
  doubtful: z.int(),
  reason: z.string().exactOptional(),
  isApplied: z.boolean(),
})

/** How far a terminal is with a version. */
export type PushProgress = z.infer<typeof pushProgress>

export function encodeProgress(progress: PushProgress): Uint8Array {
  return Buffer.from(JSON.stringify(progress), 'utf8')
}

/** Where it is damaged, nothing: it is pushed anew. */
export function decodeProgress(bytes: Uint8Array): PushProgress | undefined {
  const decoded = decodeJson(pushProgress, bytes)
  return decoded.ok ? decoded.value : undefined
}

export function noProgress(version: number): PushProgress {
  return {
    version,
    done: 0,
    begun: false,
    lines: 0,
    refused: 0,
    doubtful: 0,
    isApplied: false,
  }
}

export function appliedOf(progress: PushProgress) {
  const { lines, refused, doubtful, reason } = progress
  return {
    ...{ lines, refused, doubtful },
    ...(reason === undefined ? {} : { reason }),
  } satisfies Partial<EventData<'document.applied'>>
}

export interface PushOptions {
  readonly taker: DocumentTaker
  readonly way: LineCommand
  readonly document: string
  readonly bytes: Uint8Array
  readonly progress: PushProgress
  /** Resolves once it is durable. */
  readonly keep: (progress: PushProgress) => Promise<void>
  readonly clock: Clock
  readonly signal: AbortSignal
}

/**
 * Tells a terminal a document line by line, from where it was cut. A line that may not be told
 * twice is durable as begun before it goes out, and is never told again; of others a crash repeats
 * LIMITS.documentLinesAgain at most. Undefined: the signal aborted before the end.
 */
export async function pushDocument(options: PushOptions): Promise<PushProgress | undefined> {
  const { way, bytes, keep, signal } = options
  let progress = resumed(options.progress)
  let kept = progress.done
  let n = 0
  for (const line of linesOf(bytes)) {
    n += 1
    if (n <= progress.done) continue
    if (n > way.headerLines && line !== '') {
      const begun = { ...progress, begun: true }
      const begin = async (): Promise<void> => {
        if (!way.repeatable) await keep(begun)
      }
      const outcome = await told({ ...options, begin }, { line, n })
      if (outcome === undefined) {
        if (way.repeatable) await keep(progress)
        return undefined
      }
      progress = counted(progress, outcome, n)
    }
    progress = { ...progress, done: n }
    if (way.repeatable && n - kept >= LIMITS.documentLinesAgain) {
      await keep(progress)
      kept = n
    }
    if (signal.aborted) break
  }
  return signal.aborted ? undefined : progress
}

/** Of a line that was under way when the gateway ended nobody knows. */
function resumed(progress: PushProgress): PushProgress {
  if (!progress.begun) return progress
  const { done, lines, doubtful } = progress
  return { ...progress, begun: false, done: done + 1, lines: lines + 1, doubtful: doubtful + 1 }
}

function counted(before: PushProgress, outcome: CommandOutcome, n: number): PushProgress {
  const progress = { ...before, lines: before.lines + 1 }
  if (outcome.type === 'successful') return progress
  const isDoubtful = outcome.reason === 'unknown' || outcome.reason === 'timeout'
  const reason = progress.reason ?? `line ${n}: ${outcome.detail}`.slice(0, 400)
  return isDoubtful
    ? { ...progress, reason, doubtful: progress.doubtful + 1 }
    : { ...progress, reason, refused: progress.refused + 1 }
}

/** What came of a line in the end; undefined where the signal aborted before. */
async function told(
  options: PushOptions & { readonly begin: () => Promise<void> },
  { line, n }: { readonly line: string; readonly n: number },
): Promise<CommandOutcome | undefined> {
  const { taker, way, document, progress, begin, clock, signal } = options
  const values = valuesOf(way, line)
  if (values === undefined) return failed('rejected', 'it has fewer columns')
  for (let tries = 1; ; tries += 1) {
    while (!taker.isThere() && !signal.aborted) await clock.sleep(LIMITS.documentAgainMs, signal)
    if (signal.aborted) return undefined
    if (tries === 1) await begin()
    const id = `${document}-${progress.version}-${n}-${tries}`
    const outcome = await taker.command({ id, verb: way.command, values })
    if (outcome.type === 'successful' || outcome.reason === 'unsupported') return outcome
    const isOver = outcome.reason === 'rejected' ? outcome.notYet !== true : !way.repeatable
    if (isOver) return outcome
    await clock.sleep(LIMITS.documentAgainMs, signal)
  }
}

function valuesOf(way: LineCommand, line: string): CommandValues | undefined {
  const columns = line.split(way.separator)
  const values: Record<string, string | number> = {}
  for (const [name, at] of Object.entries(way.values)) {
    const value = columns[at]?.trim()
    if (value === undefined) return undefined
    // A number says the same where text is wanted: one with leading zeros is none.
    values[name] = /^(0|[1-9]\d{0,14})$/.test(value) ? Number(value) : value
  }
  return values
}

function* linesOf(bytes: Uint8Array): Generator<string> {
  let from = 0
  while (from < bytes.length) {
    const end = bytes.indexOf(0x0a, from)
    const to = end < 0 ? bytes.length : end
    yield Buffer.from(bytes.subarray(from, to)).toString('utf8').replace(/\r$/, '')
    from = to + 1
  }
}

function failed(reason: 'rejected', detail: string): CommandOutcome {
  return { type: 'failed', reason, detail }
}
