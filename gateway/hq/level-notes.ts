import { type ZodType, z } from 'zod'
import type { Database, Operation } from '../core/database.js'
import { TillbridgeError } from '../core/errors.js'
import type { StoreId } from '../core/ids.js'
import { parseJson } from '../core/schema.js'
import { seal, unseal } from '../core/sealed.js'
import { type BackupPoint, backupPoint } from './backup-points.js'
import { BACKUPS_KEY, storeKey } from './ledger-keys.js'
import { type StoreState, storeState, UNKNOWN_STORE } from './store-state.js'

/** Small things that the embedded ledger notes as sealed JSON. */
export function storeNote(key: Uint8Array, value: object): Operation {
  return { type: 'put', key, value: seal(Buffer.from(JSON.stringify(value))) }
}

/** @throws TillbridgeError TB_LEDGER_UNREADABLE, naming what the note was of */
export function parseNote<Value>(schema: ZodType<Value>, sealed: Uint8Array, of: string): Value {
  const json = parseJson(Buffer.from(unseal(sealed) ?? []).toString('utf8'))
  const parsed = schema.safeParse(json.ok ? json.value : undefined)
  if (parsed.success) return parsed.data
  throw new TillbridgeError('TB_LEDGER_UNREADABLE', `what the ledger knew of ${of} is damaged`)
}

export async function loadStore(database: Database, store: StoreId): Promise<StoreState> {
  const sealed = await database.get(storeKey(store))
  return sealed === undefined ? UNKNOWN_STORE : parseNote(storeState, sealed, `store ${store}`)
}

export function storeStore(store: StoreId, state: StoreState): Operation {
  return storeNote(storeKey(store), state)
}

const backupPoints = z.array(backupPoint)

/** Oldest first. */
export async function loadBackups(database: Database): Promise<readonly BackupPoint[]> {
  const sealed = await database.get(BACKUPS_KEY)
  return sealed === undefined ? [] : parseNote(backupPoints, sealed, 'its backups')
}

export function storeBackups(points: readonly BackupPoint[]): Operation {
  return storeNote(BACKUPS_KEY, points)
}
