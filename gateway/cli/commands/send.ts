import { Command, InvalidArgumentError } from 'commander'
import { isTerminalId, type TerminalId, terminalId } from '../../core/ids.js'
import { GATEWAY_TERMINAL } from '../../event/event.js'
import type { CommandOutcome, CommandValues } from '../../wire/command.js'
import { EXIT, type ExitCode } from '../exit-codes.js'
import type { ErrandEnd } from '../hq-client.js'
import { type HqClientFlags, hqClientOf, withHqClientFlags } from '../hq-client-flags.js'
import type { CliIo } from '../io.js'
import { printable } from '../printable.js'

interface Flags extends HqClientFlags {
  readonly terminal: TerminalId
  readonly valid: number
  readonly wait: number
  readonly json?: true
}

/** `tillbridge send`: one command to one shop, and what came of it. */
export function sendCommand(io: CliIo): Command {
  return withHqClientFlags(new Command('send'))
    .description('have a terminal of a shop, or its gateway, do something (docs/commands.md)')
    .option('--terminal <terminal>', 'who does it; the gateway, without', terminalNamed)
    .option('--valid <seconds>', 'it is begun within, or not at all', seconds, 120)
    .option('--wait <seconds>', 'once begun, its end is waited for so long', seconds, 600)
    .option('--json', 'print the outcome as JSON')
    .argument('<verb>', 'what to do')
    .argument('[key=value...]', 'with what: amountMinor=1250 text="Guten Tag"')
    .action(async (verb: string, words: readonly string[], flags: Flags) => {
      const values = valuesOf(words, io)
      const client = await hqClientOf(flags, io)
      client.start()
      const { store, valid, wait, terminal = terminalId(GATEWAY_TERMINAL) } = flags
      const end = await client.run({
        store,
        target: terminal,
        verb,
        arguments: values,
        lifetimeMs: valid * 1000,
        patienceMs: Math.max(wait, valid) * 1000,
        onChunk: bytes => void process.stdout.write(bytes),
      })
      await client.stop()
      for (const line of flags.json ? [JSON.stringify(end)] : linesOf(end)) io.print(line)
      io.exit(exitCodeOf(end.outcome))
    })
}

function linesOf({ id, outcome }: ErrandEnd): readonly string[] {
  if (outcome.type === 'successful') {
    const values = Object.entries(outcome.values).map(([name, value]) => `  ${name}: ${value}`)
    return ['successful', ...values].map(printable)
  }
  const { reason, detail } = outcome
  return [`failed, ${reason}: ${detail}`, `  id ${id}`].map(printable)
}

/** What is not known is neither done nor not done: a script must not take it for either. */
function exitCodeOf(outcome: CommandOutcome): ExitCode {
  if (outcome.type === 'successful') return EXIT.ok
  return outcome.reason === 'unknown' || outcome.reason === 'timeout' ? EXIT.unknown : EXIT.findings
}

function valuesOf(words: readonly string[], io: CliIo): CommandValues {
  const values = words.map(word => {
    const [, key, value = ''] = /^([A-Za-z][A-Za-z0-9-]*)=(.*)$/s.exec(word) ?? []
    if (key !== undefined) return [key, typed(value)] as const
    io.complain(`${word}: expected key=value; write amountMinor=1250`)
    return io.exit(EXIT.usage)
  })
  return Object.fromEntries(values)
}

/** Numbers and flags as such, all else as text; the verb says what it takes. */
function typed(text: string): string | number | boolean {
  if (text === 'true' || text === 'false') return text === 'true'
  return /^(?:0|-?[1-9]\d{0,14})$/.test(text) ? Number(text) : text
}

function terminalNamed(text: string): TerminalId {
  if (isTerminalId(text)) return terminalId(text)
  throw new InvalidArgumentError('expected the id of a terminal; write --terminal till-1')
}

function seconds(text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value > 0 && value <= 86_400) return value
  throw new InvalidArgumentError('expected whole seconds, up to a day')
}
