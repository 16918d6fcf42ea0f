import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { until } from '../support/until.js'
import type { Told } from './conversation.js'

const PROGRAM = new URL('./journal-process.js', import.meta.url).pathname

/** What is done wrong on purpose: whoever judges must find it out. */
export type Mutation = 'none' | 'unsynced' | 'early-ack'

export interface JournalProcessOptions {
  /** The data directory. */
  readonly data: string
  readonly buffer: 'shipped' | 'small'
  readonly mutation: Mutation
  /** libuv's threads: with one, each system call of the database has its number. */
  readonly threads: number
}

/** A journal in a process of its own, which is there to be killed. */
export class RunningJournal {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>
  /** Resolves when it is dead and every line that it said has been heard. */
  readonly ended: Promise<{ readonly signal: string | null; readonly complaint: string }>
  /** It has started, and waits to be told to open. */
  readonly ready: Promise<void>
  #hear: (line: string) => void = () => undefined

  constructor(options: JournalProcessOptions) {
    const { data, buffer, mutation, threads } = options
    const named = { data, buffer, mutation }
    const args = Object.entries(named).flatMap(([name, value]) => [`--${name}`, value])
    // The test runner loads itself into children by NODE_OPTIONS.
    const { NODE_OPTIONS: _, ...inherited } = process.env
    const env = { ...inherited, UV_THREADPOOL_SIZE: String(threads) }
    this.#child = spawn(process.execPath, [PROGRAM, ...args], { stdio: 'pipe', env })
    this.#child.stdin.on('error', () => undefined)
    const lines = createInterface({ input: this.#child.stdout })
    lines.on('line', line => this.#hear(line))
    this.ready = new Promise(resolve => lines.once('line', () => resolve()))
    let complaint = ''
    this.#child.stderr.on('data', chunk => {
      complaint += chunk
    })
    this.ended = new Promise(resolve =>
      this.#child.once('close', (_, signal) => resolve({ signal, complaint })),
    )
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error('the process did not start')
    return this.#child.pid
  }

  onSaid(hear: (line: string) => void): void {
    this.#hear = hear
  }

  tell(told: Told): void {
    this.#child.stdin.write(`${JSON.stringify(told)}\n`)
  }

  /** Nothing more will be told: it ends by itself. */
  finish(): void {
    this.#child.stdin.end()
  }

  /** Resolves when no thread of it runs any more, not even inside the kernel. */
  async freeze(): Promise<void> {
    this.#child.kill('SIGSTOP')
    await until('every thread is stopped', () => threadStates(this.pid).every(isStopped))
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }
}

/** The letters of proc(5) for each thread of a process; none where it is gone. */
function threadStates(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(thread => {
      const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'latin1')
      return stat.slice(stat.lastIndexOf(')') + 2)[0] ?? ''
    })
  } catch {
    return []
  }
}

function isStopped(state: string): boolean {
  return state === 'T' || state === 'Z' || state === 'X'
}
