import { type Clock, rfc3339 } from '../core/clock.js'
import type { Database, Operation } from '../core/database.js'
import { TillbridgeError } from '../core/errors.js'
import { newLedgerId } from '../core/ids.js'
import type { Random } from '../core/random.js'
import { seal, unseal } from '../core/sealed.js'
import {
  decodeLedgerGeneration,
  encodeLedgerGeneration,
  type LedgerGeneration,
} from '../wire/hello.js'
import { FORMAT_KEY, GENERATION_KEY } from './ledger-keys.js'

/** Version of the layout in ledger-keys.ts. */
const FORMAT = '1'

interface GenerationOptions {
  readonly database: Database
  readonly clock: Clock
  readonly random: Random
}

/**
 * The ledger's name, made where the database is new.
 * @throws TillbridgeError TB_LEDGER_UNREADABLE where it is no ledger of this version
 */
export async function readGeneration(options: GenerationOptions): Promise<LedgerGeneration> {
  const { database } = options
  const format = await database.get(FORMAT_KEY)
  if (format === undefined) {
    for await (const _ of database.iterator({ limit: 1 }))
      throw new TillbridgeError('TB_LEDGER_UNREADABLE', 'the database is not a ledger')
    const mark: Operation = { type: 'put', key: FORMAT_KEY, value: Buffer.from(FORMAT) }
    return writeGeneration(options, [mark])
  }
  if (Buffer.from(format).toString('utf8') !== FORMAT)
    throw new TillbridgeError('TB_LEDGER_UNREADABLE', 'another version of tillbridge wrote it')
  const sealed = await database.get(GENERATION_KEY)
  const stored = decodeLedgerGeneration((sealed && unseal(sealed)) ?? Buffer.from(''))
  if (stored.ok) return stored.value
  throw new TillbridgeError('TB_LEDGER_UNREADABLE', "the ledger's generation is damaged")
}

/** A new generation, durable when this resolves, together with what else is to be written. */
export async function writeGeneration(
  { database, clock, random }: GenerationOptions,
  others: readonly Operation[] = [],
): Promise<LedgerGeneration> {
  const generation = { ledger: newLedgerId(random), since: rfc3339(clock.wallMs(), 'UTC') }
  const value = seal(Buffer.from(encodeLedgerGeneration(generation)))
  const named: Operation = { type: 'put', key: GENERATION_KEY, value }
  await database.batch([...others, named], { sync: true })
  return generation
}
