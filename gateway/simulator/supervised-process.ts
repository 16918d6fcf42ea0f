import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Clock } from '../core/clock.js'
import { boundToParent } from './bound-child.js'

/** As patient as balena's supervisor, near enough. */
const RESTART_PAUSE_MS = 500
/** A process that gives up this young did not come up: its reason is the news, not its restart. */
const UP_AFTER_MS = 2_000

export type ProcessState =
  | { readonly type: 'stopped' }
  | { readonly type: 'running'; readonly pid: number }
  /** It died and comes back in a moment. */
  | { readonly type: 'restarting'; readonly reason: string }
  /** It gave up while coming up: starting it again would only repeat that. */
  | { readonly type: 'failed'; readonly reason: string }

/**
 * A child process with its output in a file, started again when it dies, ended by its pid, and not
 * outliving who started it. One that gives up before it ever came up stays down.
 */
export class SupervisedProcess {
  readonly #options: {
    readonly args: readonly string[]
    readonly env: Readonly<Record<string, string | undefined>>
    readonly logPath: string
    readonly clock: Clock
    readonly onChange?: ((state: ProcessState) => void) | undefined
  }
  #child: ChildProcess | undefined
  #state: ProcessState = { type: 'stopped' }
  #deaths = 0
  #wanted = false
  #cameUp = false

  constructor(options: {
    /** Of this same Node: a script and its arguments. */
    readonly args: readonly string[]
    readonly env: Readonly<Record<string, string | undefined>>
    readonly logPath: string
    readonly clock: Clock
    readonly onChange?: (state: ProcessState) => void
  }) {
    this.#options = options
  }

  get state(): ProcessState {
    return this.#state
  }

  /** Deaths that nobody asked for by `stop`. */
  get deaths(): number {
    return this.#deaths
  }

  start(): void {
    this.#wanted = true
    this.#spawn()
  }

  /** Sends a signal to the process as it is now; false where none runs. */
  kill(signal: NodeJS.Signals): boolean {
    return this.#child?.kill(signal) ?? false
  }

  /** SIGTERM, and SIGKILL for one that has not ended after `timeoutMs`. */
  async stop(timeoutMs: number): Promise<void> {
    this.#wanted = false
    const child = this.#child
    if (child !== undefined) {
      const ended = new Promise<void>(resolve => child.once('exit', () => resolve()))
      const cancel = this.#options.clock.after(timeoutMs, () => child.kill('SIGKILL'))
      child.kill('SIGTERM')
      await ended
      cancel()
    }
    this.#enter({ type: 'stopped' })
  }

  #spawn(): void {
    const { args, env, logPath, clock } = this.#options
    mkdirSync(dirname(logPath), { recursive: true })
    const output = openSync(logPath, 'a')
    const child = spawn(...boundToParent(process.execPath, args), {
      ...{ env, stdio: ['ignore', output, output] },
    })
    closeSync(output)
    const bornMs = clock.monotonicMs()
    this.#child = child
    if (child.pid !== undefined) this.#enter({ type: 'running', pid: child.pid })
    child.once('error', thrown => {
      this.#child = undefined
      this.#enter({ type: 'failed', reason: thrown.message })
    })
    child.once('exit', (code, signal) => {
      this.#child = undefined
      this.#cameUp ||= clock.monotonicMs() - bornMs >= UP_AFTER_MS
      if (this.#wanted) this.#died({ code, signal })
    })
  }

  #died(exit: { readonly code: number | null; readonly signal: string | null }): void {
    this.#deaths += 1
    const reason = exit.signal ?? `exit code ${exit.code}`
    if (exit.signal === null && !this.#cameUp) {
      this.#enter({ type: 'failed', reason })
      return
    }
    this.#enter({ type: 'restarting', reason })
    this.#options.clock.after(RESTART_PAUSE_MS, () => {
      if (this.#wanted) this.#spawn()
    })
  }

  #enter(state: ProcessState): void {
    this.#state = state
    this.#options.onChange?.(state)
  }
}
