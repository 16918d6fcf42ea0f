import { concatBytes } from '../../gateway/core/bytes.js'
import { ModbusDevice, type ModbusMemory } from '../../gateway/simulator/modbus-device.js'
import { StopAndWait, type TerminalLine } from '../../gateway/simulator/stop-and-wait.js'
import type { SoakTerminal } from './soak-terminal.js'

type Values = Readonly<Record<string, unknown>>
type Device = SoakTerminal['device']

/** Sends the frames of one message after the other and waits for the ACK of each. */
export function acknowledged(
  meanMs: number,
  make: (n: number) => {
    readonly key: string
    readonly frames: readonly { readonly message: string; readonly values: Values }[]
  },
): Device {
  return async (context, signal) => {
    const { line, dialect, clock, pauseMs, begins, sent, said } = context
    const written: TerminalLine = {
      ...line,
      write: bytes => line.write(bytes).then(() => sent(key)),
    }
    const sender = new StopAndWait({ line: written, clock })
    let key = ''
    for (let n = 1; !signal.aborted; n += 1) {
      await clock.sleep(pauseMs(meanMs), signal)
      if (signal.aborted) break
      const { frames, ...made } = make(n)
      key = made.key
      begins(key)
      let isHeard = true
      for (const { message, values } of frames)
        isHeard &&= await sender.deliver(dialect.encode(message, values), signal)
      if (isHeard) said(key, 'acknowledged')
    }
    sender.close()
  }
}

/** Sends a message now and then, and what comes behind it; nobody answers. */
export function talking(
  meanMs: number,
  make: (n: number) => {
    readonly key: string
    readonly message: string
    readonly values: Values
    readonly tail?: Uint8Array
  },
): Device {
  return async ({ line, dialect, clock, pauseMs, begins, sent, said }, signal) => {
    for (let n = 1; !signal.aborted; n += 1) {
      await clock.sleep(pauseMs(meanMs), signal)
      if (signal.aborted) break
      const { key, message, values, tail = new Uint8Array() } = make(n)
      begins(key)
      await line.write(concatBytes([dialect.encode(message, values), tail]))
      sent(key)
      said(key)
    }
  }
}

/** Answers each of these requests with another message. */
export function answering(
  request: Uint8Array,
  make: (n: number) => { readonly key: string; readonly message: string; readonly values: Values },
): Device {
  return async ({ line, dialect, begins, sent, said }, signal) => {
    let n = 0
    const stop = line.onData(bytes => {
      if (!Buffer.from(bytes).includes(Buffer.from(request))) return
      n += 1
      const { key, message, values } = make(n)
      begins(key)
      void line.write(dialect.encode(message, values)).then(() => {
        sent(key)
        said(key)
      })
    })
    await aborted(signal)
    stop()
  }
}

/** Where a register stands, and the words that say a count in it. */
export interface CountingRegister {
  readonly name: string
  readonly code: number
  readonly address: number
  readonly words: (n: number) => readonly number[]
  /** The quantity that an event states of it. */
  readonly quantity: (n: number) => string
}

/** A device on Modbus whose every answer is another one; other registers stay as they are. */
export function modbus(
  unit: number,
  registers: readonly CountingRegister[],
  others: readonly (readonly [code: number, address: number, value: number])[] = [],
): Device {
  return async ({ line, clock, begins, sent, said }, signal) => {
    const counts = new Map<string, number>()
    let asked: string[] = []
    const memory: ModbusMemory = {
      read: (code, address) => {
        const own = registers.find(
          one =>
            one.code === code &&
            address >= one.address &&
            address < one.address + one.words(1).length,
        )
        if (own === undefined) return others.find(([c, a]) => c === code && a === address)?.[2]
        if (address === own.address) {
          const next = (counts.get(own.name) ?? 0) + 1
          counts.set(own.name, next)
          asked.push(`${own.name}=${own.quantity(next)}`)
        }
        return own.words(counts.get(own.name) ?? 1)[address - own.address]
      },
      write: () => false,
    }
    const written = {
      ...line,
      write: (bytes: Uint8Array) => {
        const keys = asked
        asked = []
        for (const key of keys) begins(key)
        return line.write(bytes).then(() => {
          for (const key of keys) {
            sent(key)
            said(key)
          }
        })
      },
    }
    await new ModbusDevice({ line: written, unit, memory, clock }).run(signal)
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise(resolve => signal.addEventListener('abort', resolve, { once: true }))
}
