import { z } from 'zod'
import { storeIdSchema } from '../../core/id-schema.js'
import type { StoreId } from '../../core/ids.js'
import { GATEWAY_TERMINAL } from '../../event/event.js'
import type { DocumentState } from '../ledger.js'
import type { Connection } from './connections.js'

/** Where no terminal is to take it, it lies ready with the gateway. */
const DOCUMENTS = `
  SELECT store, terminal, version, applied_version, applied_at, refused, doubtful, reason
  FROM tillbridge.documents
  WHERE document = $1 AND terminal IS NOT NULL AND version IS NOT NULL
  UNION ALL
  SELECT store, '${GATEWAY_TERMINAL}', version, version, time, NULL, NULL, NULL
  FROM (
    SELECT DISTINCT ON (store) store, tillbridge.minor(data -> 'version') AS version, time, data
    FROM tillbridge.events WHERE type = 'document.received' AND data ->> 'document' = $1
    ORDER BY store, tillbridge.minor(data -> 'version') DESC NULLS LAST
  ) AS received
  WHERE version IS NOT NULL AND NOT EXISTS (SELECT FROM tillbridge.list(data -> 'targets'))
  ORDER BY store, terminal`

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
