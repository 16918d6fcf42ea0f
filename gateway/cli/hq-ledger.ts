import { existsSync, readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Option } from 'commander'
import { systemClock } from '../core/clock.js'
import { messageOf, TillbridgeError } from '../core/errors.js'
import { systemRandom } from '../core/random.js'
import { unreadable } from '../core/unreadable.js'
import type { Evidence, Ledger, Tracking } from '../hq/ledger.js'
import { openLedgerDatabase, openLevelLedger } from '../hq/level-ledger.js'
import type { PostgresAddress } from '../hq/postgres/connections.js'
import { EXIT } from './exit-codes.js'
import type { CliIo } from './io.js'

/** Where a ledger stands: in HQ's own directory, or in a PostgreSQL database. */
export type LedgerPlace =
  | { readonly type: 'directory'; readonly dataDir: string }
  | { readonly type: 'postgres'; readonly address: PostgresAddress }

/** The flags that name a ledger, as every command that works on one has them. */
export interface LedgerFlags {
  readonly data?: string
  readonly ledger?: string
  readonly ledgerPasswordFile?: string
}

export const LEDGER_OPTIONS: readonly Option[] = [
  new Option('--data <dir>', 'where the embedded ledger stands'),
  new Option('--ledger <url>', 'a ledger in PostgreSQL instead, postgres://…').conflicts('data'),
  new Option('--ledger-password-file <file>', 'a file that holds nothing but its password'),
]

/** Ends the command where the flags name no ledger. A URL may hold a password: never shown. */
export function ledgerPlaceOf(flags: LedgerFlags, io: CliIo): LedgerPlace {
  const { data: dataDir, ledger: url, ledgerPasswordFile: file } = flags
  if (url === undefined) {
    if (dataDir !== undefined) return { type: 'directory', dataDir }
    io.complain('--data: expected where the ledger stands; write --data <dir>, or --ledger <url>')
    return io.exit(EXIT.usage)
  }
  if (!/^postgres(ql)?:\/\//.test(url)) {
    io.complain('--ledger: expected a PostgreSQL; write postgres://user@host:5432/database')
    return io.exit(EXIT.usage)
  }
  const flag = '--ledger-password-file'
  const password = file === undefined ? {} : { password: textOf({ flag, file }, io) }
  return { type: 'postgres', address: { url, ...password } }
}

/** What a file named by a flag holds, without the space around it. */
export function textOf(named: { readonly flag: string; readonly file: string }, io: CliIo): string {
  try {
    return readFileSync(named.file, 'utf8').trim()
  } catch (thrown) {
    io.complain(`${named.flag}: ${unreadable(thrown, 'write its path')}`)
    return io.exit(EXIT.usage)
  }
}

/**
 * Only the server makes a ledger where there is none: to a question that would be an answer.
 * @throws TillbridgeError TB_LEDGER_…, TB_DATA_FORBIDDEN
 */
export async function openLedger(
  place: LedgerPlace,
  options: { readonly make: boolean } = { make: false },
): Promise<Ledger> {
  const tools = { clock: systemClock, random: systemRandom }
  if (place.type === 'directory') {
    const directory = join(resolve(place.dataDir), 'ledger')
    if (options.make) await makeDirectory(directory)
    else if (!existsSync(directory))
      throw new TillbridgeError('TB_LEDGER_FORMAT', `${directory}: there is no ledger`)
    const database = await openLedgerDatabase(directory)
    return openLevelLedger({ database, ...tools })
  }
  const { openPostgresLedger } = await loadPostgres()
  return openPostgresLedger({ ...place.address, ...tools })
}

/** What of a ledger a reader needs. */
export type ReadableLedger = Pick<Ledger, 'rows' | 'close'> & Evidence & Tracking

/** For a reader: a PostgreSQL ledger is not touched, and may be in use. @throws as `openLedger` */
export async function openLedgerToRead(place: LedgerPlace): Promise<ReadableLedger> {
  if (place.type === 'directory') return openLedger(place)
  const { openPostgresRows } = await loadPostgres()
  return openPostgresRows(place.address)
}

/** Only here, and only when asked for: no gateway has pg in its memory (docs/decisions). */
function loadPostgres() {
  return import('../hq/postgres/postgres-ledger.js')
}

async function makeDirectory(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true }).catch(thrown => {
    throw new TillbridgeError('TB_DATA_FORBIDDEN', `${directory}: ${messageOf(thrown)}`)
  })
}
