import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import type { Clock } from '../core/clock.js'
import type { Random } from '../core/random.js'
import { lineError } from '../line/transport/line-error.js'
import type { TerminalLine } from './stop-and-wait.js'
import { type ZvtBehaviour, type ZvtMemory, ZvtTerminal } from './zvt-terminal.js'

const DECLINED: ZvtBehaviour = { declines: 0x05 }
const PRINTED: ZvtBehaviour = { printsLines: 2 }

interface Device {
  readonly clock: Clock
  readonly random: Random
}

/** A ZVT terminal on a serial line until the signal aborts; every tenth card is declined. */
export async function runZvt(
  device: Device & { readonly line: TerminalLine },
  signal: AbortSignal,
): Promise<void> {
  const terminal = plugIn(device, { wire: 'serial', memory: { transactions: [] } })
  await aborted(signal)
  terminal.close()
}

/**
 * A ZVT terminal that its till calls, once or again. @throws TillbridgeError TB_LINE_…: it cannot
 * be called at this address.
 */
export async function listenZvt(
  device: Device,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<{ readonly address: string; run(signal: AbortSignal): Promise<void> }> {
  const memory: ZvtMemory = { transactions: [] }
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    // A till that is gone is noticed by its silence.
    socket.on('error', () => undefined)
    const terminal = plugIn({ ...device, line: lineOf(socket) }, { wire: 'tcp', memory })
    socket.on('close', () => {
      sockets.delete(socket)
      terminal.close()
    })
  })
  server.listen({ host, port })
  try {
    await once(server, 'listening')
  } catch (thrown) {
    throw lineError(`${host}:${port}`, thrown)
  }
  const bound = server.address()
  return {
    address: `${host}:${typeof bound === 'object' ? (bound?.port ?? port) : port}`,
    run: async signal => {
      await aborted(signal)
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

function lineOf(socket: Socket): TerminalLine {
  return {
    write: async bytes => void socket.write(bytes),
    onData: listener => {
      socket.on('data', listener)
      return () => socket.off('data', listener)
    },
  }
}

function plugIn(
  device: Device & { readonly line: TerminalLine },
  how: { readonly wire: 'serial' | 'tcp'; readonly memory: ZvtMemory },
): ZvtTerminal {
  const { random } = device
  return new ZvtTerminal({
    ...device,
    ...how,
    behave: () => (random.unit() < 0.1 ? DECLINED : PRINTED),
    keepsUnanswered: true,
    answerWithinMs: 5000,
  })
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort')
}
