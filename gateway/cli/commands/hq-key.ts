import { Command } from 'commander'
import { messageOf } from '../../core/errors.js'
import { isStoreId } from '../../core/ids.js'
import type { AuditQuestion } from '../../hq/audit-desk.js'
import { auditLedger } from '../ask-ledger.js'
import { EXIT, type ExitCode, exitCodeOf } from '../exit-codes.js'
import { type LedgerFlags, type LedgerPlace, ledgerPlaceOf } from '../hq-ledger.js'
import type { CliIo } from '../io.js'

interface Flags extends LedgerFlags {
  readonly store: string
  readonly trust?: string
}

/** `tillbridge hq key`: the keys that count as a store's. */
export function hqKeyCommand(io: CliIo): Command {
  return new Command('key')
    .description('print the public keys that count as those of a store, or trust another one')
    .requiredOption('--store <store>', 'which store')
    .option('--trust <key>', 'from now on this one, too: 64 hexadecimal digits, as the alarm says')
    .action(async (_flags: unknown, command: Command) => {
      // The ledger's options are those of `hq`, whichever side of `key` they stand on.
      const flags = command.optsWithGlobals<Flags>()
      const place = ledgerPlaceOf(flags, io)
      const question = questionOf(flags, io)
      const code = await print({ io, place, question }).catch(thrown => {
        io.complain(messageOf(thrown))
        return exitCodeOf(thrown)
      })
      io.exit(code)
    })
}

function questionOf({ store, trust: publicKey }: Flags, io: CliIo): AuditQuestion {
  if (!isStoreId(store)) {
    io.complain('--store: expected the id of a store; write --store store-001')
    return io.exit(EXIT.usage)
  }
  if (publicKey === undefined) return { ask: 'keys', store }
  if (/^[0-9a-f]{64}$/.test(publicKey)) return { ask: 'trust-key', store, publicKey }
  io.complain('--trust: expected a public key; write its 64 hexadecimal digits')
  return io.exit(EXIT.usage)
}

async function print(options: {
  readonly io: CliIo
  readonly place: LedgerPlace
  readonly question: AuditQuestion
}): Promise<ExitCode> {
  const { io, place, question } = options
  const { keys } = await auditLedger(place, question)
  for (const key of keys) io.print(key)
  if (keys.length > 0) return EXIT.ok
  io.complain(`${question.store}: HQ has seen no signature of it yet`)
  return EXIT.findings
}
