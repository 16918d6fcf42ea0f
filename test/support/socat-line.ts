import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, openSync, readFileSync } from 'node:fs'
import { concatBytes } from '../../gateway/core/bytes.js'
import { until } from './until.js'

/**
 * A pseudo-terminal under a path of our choice, with socat as the device at its other end. One end
 * stays held here, as socat takes the last closing of a line for its end.
 */
export class SocatLine {
  readonly path: string
  readonly #received: Uint8Array[] = []
  readonly #process: ChildProcess
  #held: number | undefined

  private constructor(path: string) {
    this.path = path
    const line = `pty,raw,echo=0,link=${path}`
    this.#process = spawn('socat', ['-d', '-d', line, 'stdio'], { stdio: 'pipe' })
    this.#process.stdout?.on('data', bytes => this.#received.push(bytes))
    this.#process.stdin?.on('error', () => undefined) // It was killed while being written to.
  }

  static async open(path: string): Promise<SocatLine> {
    const line = new SocatLine(path)
    let said = ''
    line.#process.stderr?.on('data', text => {
      said += text
    })
    await until(`socat on ${path}`, () => said.includes('starting data transfer'))
    line.#held = openSync(path, constants.O_RDWR | constants.O_NOCTTY)
    return line
  }

  get received(): Uint8Array {
    return concatBytes(this.#received)
  }

  send(bytes: Uint8Array): void {
    this.#process.stdin?.write(bytes)
  }

  /** The device takes no more bytes. */
  async freeze(): Promise<void> {
    this.#process.kill('SIGSTOP')
    const state = `/proc/${this.#process.pid}/stat`
    await until('socat stopped', () => / T /.test(readFileSync(state, 'utf8')))
  }

  thaw(): void {
    this.#process.kill('SIGCONT')
  }

  /** The device is unplugged. */
  hangUp(): void {
    this.#process.kill('SIGKILL')
    if (this.#held !== undefined) closeSync(this.#held)
    this.#held = undefined
  }

  async gone(): Promise<void> {
    this.hangUp()
    if (this.#process.exitCode === null && this.#process.signalCode === null)
      await once(this.#process, 'exit')
  }
}
