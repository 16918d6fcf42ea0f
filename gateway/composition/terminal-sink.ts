import type { CommandSink } from '../downlink/downlink.js'
import type { TerminalSupervisor } from '../terminal/supervisor.js'

/** Commands of HQ, carried out by the terminals of the shop. */
export function terminalSink(terminals: TerminalSupervisor): CommandSink {
  return {
    changes: () => true,
    run: async ({ id, target, verb, arguments: values }) =>
      terminals.command(target, { id, verb, values }),
    ask: () => undefined,
  }
}
