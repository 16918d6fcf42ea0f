import { z } from 'zod'
import { type Clock, rfc3339 } from '../../core/clock.js'
import { ledgerIdSchema } from '../../core/id-schema.js'
import { type LedgerId, newLedgerId } from '../../core/ids.js'
import type { Random } from '../../core/random.js'
import type { LedgerGeneration } from '../../wire/hello.js'
import type { Connections } from './connections.js'

export const SELECT_GENERATION = 'SELECT ledger, since FROM tillbridge.ledger'

const generationRow = z.object({ ledger: ledgerIdSchema, since: z.string() })

export function parseGeneration(rows: readonly unknown[]): LedgerGeneration {
  return z.tuple([generationRow]).parse(rows)[0]
}

export async function readGeneration(connections: Connections): Promise<LedgerGeneration> {
  return parseGeneration((await connections.query(SELECT_GENERATION)).rows)
}

interface NewGeneration {
  readonly connections: Connections
  readonly clock: Clock
  readonly random: Random
}

/** The ledger's name, made where the database is new. */
export async function makeGeneration(options: NewGeneration): Promise<void> {
  await options.connections.query(
    'INSERT INTO tillbridge.ledger (ledger, since) VALUES ($1, $2) ON CONFLICT DO NOTHING',
    [...newName(options)],
  )
}

/** A new name, where `expected` is still the present one; the name that then stands. */
export async function renewGeneration(
  options: NewGeneration & { readonly expected: LedgerId },
): Promise<LedgerGeneration> {
  const { connections, expected } = options
  await connections.query(
    'UPDATE tillbridge.ledger SET ledger = $1, since = $2 WHERE ledger = $3',
    [...newName(options), expected],
  )
  return readGeneration(connections)
}

function newName({ clock, random }: NewGeneration): readonly [LedgerId, string] {
  return [newLedgerId(random), rfc3339(clock.wallMs(), 'UTC')]
}
