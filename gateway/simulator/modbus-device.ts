import { concatBytes } from '../core/bytes.js'
import type { Clock } from '../core/clock.js'
import { sealRtu } from '../protocol/modbus/adu.js'
import { type Pdu, readPdu, writePdu } from '../protocol/modbus/pdu.js'
import { RtuFramer } from '../protocol/modbus/rtu-framer.js'
import type { TerminalLine } from './stop-and-wait.js'

/** What a device holds: registers and coils by function and address. */
export interface ModbusMemory {
  /** Undefined: it has none there. Called once for each time it is asked. */
  read(code: number, address: number): number | undefined
  write(code: number, address: number, value: number): boolean
}

/** Silence after which half a question is forgotten: 3.5 characters, and what a scheduler adds. */
const FORGET_MS = 20
const ILLEGAL_FUNCTION = 1
const ILLEGAL_ADDRESS = 2

/**
 * A meter or a controller on a line of Modbus RTU: answers what is asked of its address, and what
 * is asked of others it does not hear as its own. Any number may be on one line.
 */
export class ModbusDevice {
  readonly #line: TerminalLine
  readonly #unit: number
  readonly #memory: ModbusMemory
  readonly #identity: readonly string[]
  readonly #clock: Clock
  readonly #replyAfterMs: () => number
  readonly #onAnswered: (reply: Pdu) => void
  readonly #framer: RtuFramer
  #cancelIdle: () => void = () => undefined

  constructor(options: {
    readonly line: TerminalLine
    readonly unit: number
    readonly memory: ModbusMemory
    /** Vendor, product, revision; without, it does not know the question. */
    readonly identity?: readonly string[]
    readonly clock: Clock
    /** How long it thinks. */
    readonly replyAfterMs?: () => number
    /** It has sent this, whoever heard it. */
    readonly onAnswered?: (reply: Pdu) => void
  }) {
    this.#line = options.line
    this.#unit = options.unit
    this.#memory = options.memory
    this.#identity = options.identity ?? []
    this.#clock = options.clock
    this.#replyAfterMs = options.replyAfterMs ?? (() => 0)
    this.#onAnswered = options.onAnswered ?? (() => undefined)
    this.#framer = new RtuFramer({ hears: 'requests', unit: options.unit })
  }

  /** Until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const stopListening = this.#line.onData(bytes => this.#hear(bytes))
    if (!signal.aborted)
      await new Promise(resolve => signal.addEventListener('abort', resolve, { once: true }))
    stopListening()
    this.#cancelIdle()
  }

  #hear(bytes: Uint8Array): void {
    this.#cancelIdle()
    for (const output of this.#framer.push(bytes))
      if (output.type === 'frame')
        this.#clock.after(this.#replyAfterMs(), () => this.#answer(output.payload))
    if (this.#framer.bufferedBytes > 0)
      this.#cancelIdle = this.#clock.after(FORGET_MS, () => void this.#framer.idle())
  }

  #answer(message: Uint8Array): void {
    const request = readPdu(message.subarray(1), 'request')
    if (!request.ok) return
    const reply = this.#replyTo(request.value)
    this.#onAnswered(reply)
    const bytes = sealRtu(concatBytes([Uint8Array.of(this.#unit), writePdu(reply)]))
    this.#line.write(bytes).catch(() => undefined) // Unplugged while it spoke.
  }

  #replyTo(request: Pdu): Pdu {
    const { function: code } = request
    const refuse = (exception: number): Pdu => ({ type: 'exception', function: code, exception })
    switch (request.type) {
      case 'span': {
        const { address, count } = request
        const values = Array.from({ length: count }, (_, at) =>
          this.#memory.read(code, address + at),
        )
        const known = values.filter(value => value !== undefined)
        if (known.length < count) return refuse(ILLEGAL_ADDRESS)
        if (code > 2) return { type: 'registers', function: code, registers: known }
        const bits = known.map(value => value !== 0)
        return { type: 'bits', function: code, bits }
      }
      case 'one':
        return this.#memory.write(code, request.address, request.value)
          ? request
          : refuse(ILLEGAL_ADDRESS)
      case 'write-registers': {
        const { address, count, registers } = request
        const isDone = registers.every((value, at) => this.#memory.write(code, address + at, value))
        return isDone ? { type: 'span', function: code, address, count } : refuse(ILLEGAL_ADDRESS)
      }
      case 'identify': {
        if (this.#identity.length === 0) return refuse(ILLEGAL_FUNCTION)
        const objects = this.#identity.map((value, id) => ({ id, value }))
        const { function: mei, readCode } = request
        const rest = { conformity: 1, moreFollows: false, nextObject: 0, objects }
        return { type: 'identity', function: mei, readCode, ...rest }
      }
      default:
        return refuse(ILLEGAL_FUNCTION)
    }
  }
}

/** Memory over two maps: registers by address, coils and inputs by address. */
export function plainMemory(
  registers: Map<number, number>,
  bits: Map<number, number> = new Map(),
): ModbusMemory {
  const mapFor = (code: number): Map<number, number> =>
    code === 1 || code === 2 || code === 5 ? bits : registers
  return {
    read: (code, address) => mapFor(code).get(address),
    write: (code, address, value) => {
      const map = mapFor(code)
      if (!map.has(address)) return false
      map.set(address, value)
      return true
    },
  }
}
