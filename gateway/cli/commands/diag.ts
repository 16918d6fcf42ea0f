import { closeSync, openSync, writeSync } from 'node:fs'
import { Command } from 'commander'
import { systemClock } from '../../core/clock.js'
import { messageOf } from '../../core/errors.js'
import { terminalId } from '../../core/ids.js'
import { GATEWAY_TERMINAL } from '../../event/event.js'
import { type AnswerPart, decodeAnswerPart } from '../../wire/answer-part.js'
import type { CommandOutcome } from '../../wire/command.js'
import { arrivalsOf } from '../arrivals.js'
import { DIAG_QUESTIONS, type DiagErrand, type DiagFlags, diagErrand } from '../diag-errands.js'
import { EXIT, type ExitCode, exitCodeOf } from '../exit-codes.js'
import type { HqClient } from '../hq-client.js'
import { type HqClientFlags, hqClientOf, withHqClientFlags } from '../hq-client-flags.js'
import { LEDGER_OPTIONS, type LedgerFlags, type LedgerPlace, ledgerPlaceOf } from '../hq-ledger.js'
import type { CliIo } from '../io.js'
import { printable } from '../printable.js'
import { stopSignal } from '../stop-signal.js'

interface Flags extends HqClientFlags, DiagFlags, LedgerFlags {
  readonly out?: string
  readonly json?: true
}

const LIFETIME_MS = 60_000
/** Beyond the time that a question takes by itself: a long answer over a slow link. */
const PATIENCE_MS = 5 * 60_000
const CANCEL_MS = 15_000

/** `tillbridge diag`: HQ looks into a shop; docs/diagnostics.md. */
export function diagCommand(io: CliIo): Command {
  const width = Math.max(...Object.keys(DIAG_QUESTIONS).map(({ length }) => length))
  const questions = Object.entries(DIAG_QUESTIONS).map(
    ([name, says]) => `  ${name.padEnd(width)}  ${says}`,
  )
  const command = withHqClientFlags(new Command('diag'))
  for (const option of LEDGER_OPTIONS) command.addOption(option)
  return command
    .description('look into a shop from afar (docs/diagnostics.md)')
    .argument('<what>', 'one of those below')
    .argument('[about]', 'a terminal')
    .option('--for <time>', 'of capture, logs --follow and ping: 30s, 5m')
    .option('--follow', 'of logs: go on with what comes')
    .option('--last <count>', 'of logs: so many lines')
    .option('--level <level>', 'of logs: this level and above')
    .option('--receipt <number>', 'of journal: where this receipt, subject or id is')
    .option('--terminal <terminal>', 'of journal: of this terminal alone')
    .option('--out <file>', 'of capture and bundle: write it here, a new file')
    .option('--json', 'print what programs read, one JSON value a line')
    .addHelpText('after', `\nQuestions:\n${questions.join('\n')}`)
    .action(async (what: string, about: string | undefined, flags: Flags) => {
      const errand = diagErrand(what, about, flags, io)
      const file = openNew(flags.out ?? (what === 'bundle' ? 'bundle.tar.gz' : undefined), io)
      const place = flags.data ?? flags.ledger
      const ledger = place === undefined ? undefined : ledgerPlaceOf(flags, io)
      const found: unknown[] = []
      const hear = (data: unknown): void => void found.push(data)
      const printer = what === 'bundle' ? file : partPrinter({ io, file, json: flags.json, hear })
      const client = await hqClientOf(flags, io)
      client.start()
      const outcome = await ask({ client, flags, errand, printer, io })
      await client.stop()
      if (file !== undefined) file.close()
      if (outcome.type === 'failed') io.complain(printable(`${outcome.reason}: ${outcome.detail}`))
      else if (ledger !== undefined && flags.receipt !== undefined)
        await printArrivals(found, { ledger, flags, io })
      io.exit(exitCodeOfOutcome(outcome))
    })
}

/** What HQ's own ledger says of the records that the shop has named. */
async function printArrivals(
  found: readonly unknown[],
  asked: { readonly ledger: LedgerPlace; readonly flags: Flags; readonly io: CliIo },
): Promise<void> {
  const { ledger: place, flags, io } = asked
  try {
    const { text, data } = await arrivalsOf(found.flat(), { store: flags.store, place })
    for (const line of flags.json ? [JSON.stringify(data)] : text) io.print(printable(line))
  } catch (thrown) {
    io.complain(messageOf(thrown))
    io.exit(exitCodeOf(thrown))
  }
}

interface Sink {
  write(bytes: Uint8Array): void
  close(): void
}

/** Ctrl-C ends what runs in the shop, too. */
async function ask(asked: {
  readonly client: HqClient
  readonly flags: Flags
  readonly errand: DiagErrand
  readonly printer: Sink | undefined
  readonly io: CliIo
}): Promise<CommandOutcome> {
  const { client, flags, errand, printer, io } = asked
  const signal = stopSignal({ clock: systemClock, exit: io.exit })
  const to = { store: flags.store, target: terminalId(GATEWAY_TERMINAL) }
  const { id, outcome } = await client.run({
    ...to,
    verb: errand.verb,
    arguments: errand.arguments,
    lifetimeMs: LIFETIME_MS,
    patienceMs: errand.runsMs + PATIENCE_MS,
    onChunk: bytes => printer?.write(bytes),
    signal,
  })
  if (!signal.aborted) return outcome
  const times = { lifetimeMs: CANCEL_MS, patienceMs: CANCEL_MS }
  const { outcome: end } = await client.run({
    ...to,
    ...times,
    verb: 'cancel',
    arguments: { id },
  })
  return end
}

/** Parts come a line each; a chunk may end in the middle of one. */
function partPrinter(options: {
  readonly io: CliIo
  readonly file: Sink | undefined
  readonly json: true | undefined
  readonly hear: (data: unknown) => void
}): Sink {
  const { io, file, json, hear } = options
  let torn = Buffer.alloc(0)
  const print = (line: Uint8Array): void => {
    const part = decodeAnswerPart(line)
    for (const one of part.ok ? shown(part.value) : [`not understood: ${part.error}`]) io.print(one)
  }
  const shown = ({ text = [], data, file: kept }: AnswerPart): readonly string[] => {
    hear(data)
    if (kept !== undefined) file?.write(Buffer.from(`${kept}\n`))
    if (json) return [JSON.stringify(data ?? kept ?? text)]
    return (kept === undefined || file ? text : [kept, ...text]).map(printable)
  }
  return {
    write: bytes => {
      const lines = Buffer.concat([torn, bytes])
      const end = lines.lastIndexOf('\n') + 1
      torn = lines.subarray(end)
      for (let at = 0; at < end; ) {
        const next = lines.indexOf('\n', at)
        print(lines.subarray(at, next))
        at = next + 1
      }
    },
    close: () => undefined,
  }
}

function openNew(path: string | undefined, io: CliIo): Sink | undefined {
  if (path === undefined) return undefined
  try {
    const file = openSync(path, 'wx', 0o600)
    return { write: bytes => void writeSync(file, bytes), close: () => closeSync(file) }
  } catch (thrown) {
    io.complain(`--out: expected the name of a new file (${messageOf(thrown)})`)
    return io.exit(EXIT.usage)
  }
}

function exitCodeOfOutcome(outcome: CommandOutcome): ExitCode {
  if (outcome.type === 'successful') return EXIT.ok
  return outcome.reason === 'unknown' || outcome.reason === 'timeout' ? EXIT.unknown : EXIT.findings
}
