import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { systemClock } from '../../gateway/core/clock.js'

const UNIT = 'deploy/systemd/tillbridge.service'
const HOME = '/opt/tillbridge'
const CONFIG = '/etc/tillbridge/shop.yaml'
const LOOK_MS = 100

interface StandInOptions {
  /** In the place of /opt/tillbridge, and of the StateDirectory. */
  readonly home: string
  readonly state: string
  readonly config: string
  readonly log: string
  readonly restartMs: number
  /** Signs of life as they came, and how long one may be missing once the service was ready. */
  readonly notify?: { readonly path: string; heard(): string; readonly watchdogMs: number }
}

/**
 * Starts what the unit says and starts it again when it ends, as systemd would: the programs are the
 * unit's own, below another folder. Nothing of the sandbox, and all of it as one user.
 */
export class StandInSystemd {
  readonly #options: StandInOptions
  readonly #over = new AbortController()
  #child: ChildProcess | undefined
  #running: Promise<void> = Promise.resolve()
  #starts = 0
  #watchdogKills = 0

  constructor(options: StandInOptions) {
    this.#options = options
  }

  get starts(): number {
    return this.#starts
  }

  get watchdogKills(): number {
    return this.#watchdogKills
  }

  start(): void {
    this.#running = this.#run()
  }

  /** As after an upgrade: SIGTERM, then a start like any other. */
  restart(): void {
    this.#child?.kill('SIGTERM')
  }

  async stop(): Promise<void> {
    this.#over.abort()
    this.#child?.kill('SIGTERM')
    await this.#running
  }

  async #run(): Promise<void> {
    while (!this.#over.signal.aborted) {
      const before = this.#command('ExecStartPre')
      const { status } = spawnSync('sh', before, { env: this.#env(), stdio: 'ignore' })
      if (status !== 0) throw new Error(`ExecStartPre ended with ${status}`)
      await this.#runOnce()
      await systemClock.sleep(this.#options.restartMs, this.#over.signal)
    }
  }

  async #runOnce(): Promise<void> {
    const { log } = this.#options
    const output = openSync(log, 'a')
    this.#starts += 1
    const child = spawn('sh', this.#command('ExecStart'), {
      ...{ env: this.#env(), stdio: ['ignore', output, output] },
      detached: true,
    })
    closeSync(output)
    this.#child = child
    const ended = new AbortController()
    const watching = this.#watch(child, ended.signal)
    await new Promise<void>(resolve => child.once('exit', () => resolve()))
    ended.abort()
    await watching
    // What it leaves behind in its group goes with it.
    spawnSync('kill', ['-KILL', '--', `-${child.pid}`], { stdio: 'ignore' })
  }

  async #watch(child: ChildProcess, signal: AbortSignal): Promise<void> {
    const { notify } = this.#options
    if (notify === undefined) return
    let [length, sinceMs] = [notify.heard().length, systemClock.monotonicMs()]
    let isReady = false
    while (!signal.aborted) {
      await systemClock.sleep(LOOK_MS, signal)
      const heard = notify.heard()
      const nowMs = systemClock.monotonicMs()
      if (heard.length > length) {
        isReady ||= heard.slice(length).includes('READY=1')
        ;[length, sinceMs] = [heard.length, nowMs]
      } else if (isReady && nowMs - sinceMs > notify.watchdogMs) {
        this.#watchdogKills += 1
        child.kill('SIGABRT')
        return
      }
    }
  }

  #command(key: 'ExecStartPre' | 'ExecStart'): string[] {
    const { home, config } = this.#options
    const [, line = ''] =
      new RegExp(`^${key}=[-+]*(.*)$`, 'm').exec(readFileSync(UNIT, 'utf8')) ?? []
    return line.replaceAll(HOME, home).replaceAll(CONFIG, config).split(' ')
  }

  #env(): NodeJS.ProcessEnv {
    const { state, notify } = this.#options
    const own = Object.entries(process.env).filter(
      ([name]) => name !== 'NODE_OPTIONS' && !name.startsWith('TILLBRIDGE_'),
    )
    const told =
      notify === undefined
        ? {}
        : { NOTIFY_SOCKET: notify.path, WATCHDOG_USEC: String(notify.watchdogMs * 1_000) }
    return { ...Object.fromEntries(own), STATE_DIRECTORY: state, UV_THREADPOOL_SIZE: '16', ...told }
  }
}
