import { once } from 'node:events'
import { request } from 'node:http'
import { Command } from 'commander'
import { messageOf, systemCodeOf } from '../../core/errors.js'
import { exportRows } from '../../hq/query-server.js'
import { EXIT, exitCodeOf } from '../exit-codes.js'
import {
  type LedgerFlags,
  type LedgerPlace,
  ledgerPlaceOf,
  openLedgerToRead,
} from '../hq-ledger.js'
import { querySocket } from '../hq-process.js'
import type { CliIo } from '../io.js'

/** `tillbridge hq export`: the ledger as NDJSON, from a running HQ, a stopped one or PostgreSQL. */
export function hqExportCommand(io: CliIo): Command {
  return new Command('export')
    .description('print the rows of the ledger as NDJSON, in the order they were committed')
    .option('--after <position>', 'only rows behind this position', '0')
    .action(async (_flags: unknown, command: Command) => {
      // The ledger's options are those of `hq`, whichever side of `export` they stand on.
      const flags = command.optsWithGlobals<LedgerFlags & { readonly after: string }>()
      const after = Number(flags.after)
      if (!Number.isSafeInteger(after) || after < 0) {
        io.complain('--after: expected a whole number; write --after 0')
        return io.exit(EXIT.usage)
      }
      const place = ledgerPlaceOf(flags, io)
      try {
        await exportTo(process.stdout, { place, after })
        return io.exit(EXIT.ok)
      } catch (thrown) {
        io.complain(messageOf(thrown))
        return io.exit(exitCodeOf(thrown))
      }
    })
}

async function exportTo(
  output: NodeJS.WritableStream,
  asked: { readonly place: LedgerPlace; readonly after: number },
): Promise<void> {
  const { place, after } = asked
  if (place.type === 'directory') {
    const running = await askRunningHq({ dataDir: place.dataDir, after })
    if (running !== undefined) return drainInto(output, running)
  }
  const ledger = await openLedgerToRead(place)
  try {
    await drainInto(output, exportRows(ledger, after))
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
