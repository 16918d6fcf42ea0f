import { once } from 'node:events'
import { request } from 'node:http'
import { Command } from 'commander'
import { messageOf, systemCodeOf } from '../../core/errors.js'
import { exportRows } from '../../hq/query-server.js'
import { EXIT, exitCodeOf } from '../exit-codes.js'
import { openLedger, querySocket } from '../hq-process.js'
import type { CliIo } from '../io.js'

/** `tillbridge hq export`: the ledger as NDJSON, from a running HQ or a stopped one. */
export function hqExportCommand(io: CliIo): Command {
  return new Command('export')
    .description('print the rows of the ledger as NDJSON, in the order they were committed')
    .option('--after <position>', 'only rows behind this position', '0')
    .action(async (_flags: unknown, command: Command) => {
      // `--data` is the option of `hq`, whichever side of `export` it stands on.
      const flags = command.optsWithGlobals<{ readonly data: string; readonly after: string }>()
      const after = Number(flags.after)
      if (!Number.isSafeInteger(after) || after < 0) {
        io.complain('--after: expected a whole number; write --after 0')
        return io.exit(EXIT.usage)
      }
      try {
        await exportTo(process.stdout, { dataDir: flags.data, after })
        return io.exit(EXIT.ok)
      } catch (thrown) {
        io.complain(messageOf(thrown))
        return io.exit(exitCodeOf(thrown))
      }
    })
}

async function exportTo(
  output: NodeJS.WritableStream,
  asked: { readonly dataDir: string; readonly after: number },
): Promise<void> {
  const running = await askRunningHq(asked)
  if (running !== undefined) return drainInto(output, running)
  const ledger = await openLedger(asked.dataDir)
  try {
    await drainInto(output, exportRows(ledger, asked.after))
  } finally {
    await ledger.close()
  }
}

/** The answer of the HQ that holds this ledger, or undefined where none runs. */
async function askRunningHq(asked: {
  readonly dataDir: string
  readonly after: number
}): Promise<AsyncIterable<Uint8Array> | undefined> {
  const { dataDir, after } = asked
  const question = request({ socketPath: querySocket(dataDir), path: `/rows?after=${after}` })
  question.end()
  try {
    const [response] = await once(question, 'response')
    return response
  } catch (thrown) {
    const code = systemCodeOf(thrown)
    if (code === 'ENOENT' || code === 'ECONNREFUSED') return undefined
    throw thrown
  }
}

async function drainInto(
  output: NodeJS.WritableStream,
  lines: AsyncIterable<Uint8Array | string>,
): Promise<void> {
  for await (const line of lines) if (!output.write(line)) await once(output, 'drain')
}
