import { z } from 'zod'
import { type BackupPoint, backupPoint, finishPoint, nextPoint } from '../backup-points.js'
import { type Connection, type Connections, inTransaction, lockSql } from './connections.js'

export const SELECT_BACKUPS = 'SELECT id, begun, done FROM tillbridge.backups ORDER BY id'

const backupRow = z
  .object({ id: z.unknown(), begun: z.unknown(), done: z.unknown() })
  .transform(({ done, ...begun }) => (done === null ? begun : { ...begun, done }))
  .pipe(backupPoint)

/** Oldest first. */
export function parseBackups(rows: readonly unknown[]): readonly BackupPoint[] {
  return z.array(backupRow).parse(rows)
}

async function readBackups(connection: Connection): Promise<readonly BackupPoint[]> {
  return parseBackups((await connection.query(SELECT_BACKUPS)).rows)
}

export async function listBackups(connections: Connections): Promise<readonly BackupPoint[]> {
  return parseBackups((await connections.query(SELECT_BACKUPS)).rows)
}

/** Waits for the commits under way: whatever is committed later knows of this point. */
export function beginBackup(connections: Connections, now: string): Promise<BackupPoint> {
  return inTransaction(connections, async connection => {
    await connection.query(lockSql('backups'))
    const begun = nextPoint(await readBackups(connection), now)
    await connection.query('INSERT INTO tillbridge.backups (id, begun) VALUES ($1, $2)', [
      begun.id,
      begun.begun,
    ])
    return begun
  })
}

/** @throws TillbridgeError TB_BACKUP_UNKNOWN */
export function endBackup(
  connections: Connections,
  finished: { readonly id: number; readonly keep: number; readonly done: string },
): Promise<readonly BackupPoint[]> {
  return inTransaction(connections, async connection => {
    await connection.query(lockSql('backups'))
    const left = finishPoint(await readBackups(connection), finished)
    await connection.query('DELETE FROM tillbridge.backups WHERE id <> ALL ($1)', [
      left.map(({ id }) => id),
    ])
    await connection.query(
      'UPDATE tillbridge.backups SET done = $2 WHERE id = $1 AND done IS NULL',
      [finished.id, finished.done],
    )
    return left
  })
}
