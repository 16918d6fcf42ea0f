import { z } from 'zod'
import { storeIdSchema } from '../../core/id-schema.js'
import type { StoreId } from '../../core/ids.js'
import type { DocumentState } from '../ledger.js'
import type { Connection } from './connections.js'

const DOCUMENTS = `
  SELECT store, terminal, version, applied_version, applied_at, refused, doubtful, reason
  FROM tillbridge.documents
  WHERE document = $1 AND terminal IS NOT NULL AND version IS NOT NULL
  ORDER BY store, terminal COLLATE "C"`

const documentRow = z.object({
  store: storeIdSchema,
  terminal: z.string(),
  version: z.int(),
  applied_version: z.int().nullable(),
  applied_at: z.date().nullable(),
  refused: z.int().nullable(),
  doubtful: z.int().nullable(),
  reason: z.string().nullable(),
})

/** Who is to work by the document of this name, and by which version they do. */
export async function readDocuments(
  connection: Pick<Connection, 'query'>,
  name: string,
): Promise<readonly DocumentState[]> {
  const { rows } = await connection.query({ name: 'documents', text: DOCUMENTS, values: [name] })
  return z
    .array(documentRow)
    .parse(rows)
    .map(
      ({ store, terminal, version, applied_version, applied_at, refused, doubtful, reason }) => ({
        store,
        terminal,
        version,
        ...(applied_version === null ? {} : { appliedVersion: applied_version }),
        ...(applied_at === null ? {} : { appliedAt: applied_at.toISOString() }),
        ...(refused === null ? {} : { refused }),
        ...(doubtful === null ? {} : { doubtful }),
        ...(reason === null ? {} : { reason }),
      }),
    )
}

export async function readStores(
  connection: Pick<Connection, 'query'>,
): Promise<readonly StoreId[]> {
  const { rows } = await connection.query('SELECT store FROM tillbridge.stores ORDER BY store')
  return z
    .array(z.object({ store: storeIdSchema }))
    .parse(rows)
    .map(({ store }) => store)
}
