import type { Clock } from '../core/clock.js'
import type { Random } from '../core/random.js'
import type { TerminalLine } from './stop-and-wait.js'
import { type ZvtBehaviour, ZvtTerminal } from './zvt-terminal.js'

const DECLINED: ZvtBehaviour = { declines: 0x05 }
const PRINTED: ZvtBehaviour = { printsLines: 2 }

/** A ZVT terminal on a serial line until the signal aborts; every tenth card is declined. */
export async function runZvt(
  device: { readonly line: TerminalLine; readonly clock: Clock; readonly random: Random },
  signal: AbortSignal,
): Promise<void> {
  const { random } = device
  const terminal = new ZvtTerminal({
    ...device,
    wire: 'serial',
    memory: { transactions: [] },
    behave: () => (random.unit() < 0.1 ? DECLINED : PRINTED),
    keepsUnanswered: true,
    answerWithinMs: 5000,
  })
  await new Promise<void>(resolve =>
    signal.addEventListener('abort', () => resolve(), { once: true }),
  )
  terminal.close()
}
