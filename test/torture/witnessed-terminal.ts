import { once } from 'node:events'
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { systemClock } from '../../gateway/core/clock.js'
import {
  type ZvtBehaviour,
  type ZvtMemory,
  ZvtTerminal,
  type ZvtTransaction,
} from '../../gateway/simulator/zvt-terminal.js'

/** How long it waits for its till to answer: long enough for a machine that is busy. */
const ANSWER_WITHIN_MS = 5_000

/**
 * A ZVT terminal that its till calls, which outlives its till: what it was asked for it writes to a
 * log of its own, synced to the disk before it answers.
 */
export class WitnessedTerminal {
  /** Called with each piece that goes over the wire, either way. */
  onWire: () => void = () => undefined
  /** What the next payment meets. */
  behaviour: ZvtBehaviour = {}
  readonly #memory: ZvtMemory = { transactions: [] }
  readonly #log: number
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #asked: string[] = []

  private constructor(options: { readonly log: string; readonly keepsUnanswered: boolean }) {
    this.#log = openSync(options.log, 'a')
    this.#server = createServer(socket => this.#plugIn(socket, options.keepsUnanswered))
  }

  static async listen(options: {
    readonly log: string
    readonly keepsUnanswered: boolean
  }): Promise<WitnessedTerminal> {
    const terminal = new WitnessedTerminal(options)
    terminal.#server.listen(0, '127.0.0.1')
    await once(terminal.#server, 'listening')
    return terminal
  }

  get port(): number {
    const address = this.#server.address()
    return typeof address === 'object' ? (address?.port ?? 0) : 0
  }

  /** How often it was told to authorise since the count was this. */
  get asked(): number {
    return this.#asked.length
  }

  /** What it holds of this amount. */
  paid(amountMinor: number): readonly ZvtTransaction[] {
    return this.#memory.transactions.filter(one => one.amountMinor === amountMinor)
  }

  stop(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
    closeSync(this.#log)
  }

  #plugIn(socket: Socket, keepsUnanswered: boolean): void {
    this.#sockets.add(socket)
    // A till that died is noticed by its silence.
    socket.on('error', () => undefined)
    const terminal = new ZvtTerminal({
      wire: 'tcp',
      clock: systemClock,
      memory: this.#memory,
      keepsUnanswered,
      answerWithinMs: ANSWER_WITHIN_MS,
      behave: () => this.#authorise(),
      line: {
        write: async bytes => {
          socket.write(bytes)
          this.onWire()
        },
        onData: listener => {
          const hear = (bytes: Buffer): void => {
            this.onWire()
            listener(bytes)
          }
          socket.on('data', hear)
          return () => socket.off('data', hear)
        },
      },
    })
    socket.on('close', () => {
      this.#sockets.delete(socket)
      terminal.close()
    })
  }

  #authorise(): ZvtBehaviour {
    this.#asked.push(new Date(systemClock.wallMs()).toISOString())
    writeSync(this.#log, `asked for money ${this.#asked.length}\n`)
    fsyncSync(this.#log)
    return this.behaviour
  }
}
