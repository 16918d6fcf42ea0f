import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** A system call of the traced process, in the order of the trace. */
export interface TracedCall {
  readonly thread: number
  readonly name: string
  /** Path of the first file that its arguments name by a descriptor. */
  readonly path: string | undefined
  /** Texts among the arguments: paths, or the bytes written (as far as they were traced). */
  readonly texts: readonly Buffer[]
  /** The arguments as strace prints them. */
  readonly args: string
  /** Undefined where the process died in it. */
  readonly result: number | undefined
  /** Lines of the trace at which it was entered and left. */
  readonly start: number
  readonly end: number
}

/** Kills the process at the entry of the `when`th such call of any one of its threads. */
export interface Injection {
  readonly name: string
  readonly when: number
}

export interface TraceOptions {
  readonly pid: number
  readonly calls: readonly string[]
  readonly file: string
  /** Bytes kept of each text. */
  readonly textBytes: number
  readonly kill?: Injection
}

/** strace(1), following every thread of a process from now on until the process ends. */
export class Trace {
  readonly #file: string
  readonly ended: Promise<void>
  readonly #complaint: { text: string }

  /** Resolves when every thread is under its eyes. */
  static async attach(options: TraceOptions): Promise<Trace> {
    const { pid, calls, file, textBytes, kill } = options
    const inject = kill && ['-e', `inject=${kill.name}:signal=KILL:when=${kill.when}`]
    const args = ['-f', '-y', '-xx', '-s', String(textBytes), '-o', file, ...(inject ?? [])]
    const child = spawn('strace', [...args, '-e', `trace=${calls.join(',')}`, '-p', String(pid)], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const complaint = { text: '' }
    const attached = new Promise<void>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', () => reject(new Error(`strace: ${complaint.text}`)))
      child.stderr.on('data', chunk => {
        complaint.text += chunk
        // It says so once, after the last thread.
        if (/Process \d+ attached/.test(complaint.text)) resolve()
      })
    })
    const ended = new Promise<void>(resolve => child.once('close', () => resolve()))
    await attached
    return new Trace({ file, ended, complaint })
  }

  private constructor(options: {
    readonly file: string
    readonly ended: Promise<void>
    readonly complaint: { text: string }
  }) {
    this.#file = options.file
    this.ended = options.ended
    this.#complaint = options.complaint
  }

  /** Once the process has ended. */
  async calls(): Promise<readonly TracedCall[]> {
    await this.ended
    return parseTrace(readFileSync(this.#file, 'latin1'))
  }
}

const LINE = /^(\d+) +(.*)$/
const CALL = /^(\w+)\((.*)$/s
const RESUMED = /^<\.\.\. (\w+) resumed>(.*)$/s
const UNFINISHED = / <unfinished \.\.\.>$/
const RESULT = /\) += (-?\d+|\?)/
const TEXT = /"((?:\\x[0-9a-f]{2})*)"/g
const DESCRIPTOR = /\b\d+<((?:\\x[0-9a-f]{2})*)>/

interface Begun {
  readonly name: string
  readonly head: string
  readonly start: number
}

export function parseTrace(text: string): readonly TracedCall[] {
  const open = new Map<number, Begun>()
  const calls: TracedCall[] = []
  const lines = text.split('\n')
  for (const [at, line] of lines.entries()) {
    const [, pid, rest = ''] = LINE.exec(line) ?? []
    const thread = Number(pid)
    const resumed = RESUMED.exec(rest)
    const begun = open.get(thread)
    if (resumed !== null && begun !== undefined) {
      open.delete(thread)
      const args = `${begun.head}${resumed[2]}`
      calls.push(callOf({ ...begun, thread, args, end: at }))
      continue
    }
    const [, name, args = ''] = CALL.exec(rest) ?? []
    if (name === undefined) continue
    if (UNFINISHED.test(args)) {
      open.set(thread, { name, head: args.replace(UNFINISHED, ''), start: at })
    } else calls.push(callOf({ name, thread, args, start: at, end: at }))
  }
  for (const [thread, { name, head, start }] of open)
    calls.push(callOf({ name, thread, args: head, start, end: lines.length }))
  return calls.sort((left, right) => left.start - right.start)
}

function callOf(seen: {
  readonly name: string
  readonly thread: number
  readonly args: string
  readonly start: number
  readonly end: number
}): TracedCall {
  const { args } = seen
  const result = Number(RESULT.exec(args)?.[1])
  const path = DESCRIPTOR.exec(args)?.[1]
  return {
    ...seen,
    path: path === undefined ? undefined : bytesOf(path).toString('utf8'),
    texts: [...args.matchAll(TEXT)].map(([, escaped = '']) => bytesOf(escaped)),
    result: Number.isNaN(result) ? undefined : result,
  }
}

function bytesOf(escaped: string): Buffer {
  return Buffer.from(escaped.replaceAll('\\x', ''), 'hex')
}
