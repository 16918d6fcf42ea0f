import { z } from 'zod'
import { TillbridgeError } from '../core/errors.js'

export const backupPoint = z.strictObject({
  /** Counts from 1. */
  id: z.int().min(1),
  begun: z.iso.datetime({ offset: true }),
  /** The backup is made: HQ would restore from it. */
  done: z.iso.datetime({ offset: true }).exactOptional(),
})

/** A moment of the ledger that a backup, made after it, contains whole. */
export type BackupPoint = z.infer<typeof backupPoint>

/** Which backups HQ would restore from: what they contain is what receipts call `safe`. */
export interface BackupPoints {
  /**
   * Notes what is committed now. Every later copy or dump of the database contains it, whatever is
   * committed meanwhile.
   */
  beginBackup(): Promise<BackupPoint>

  /**
   * The backup begun as `id` is made. From now on `safe` is what the oldest of the last `keep`
   * contains; older points are forgotten. Returns the points left, oldest first.
   * @throws TillbridgeError TB_BACKUP_UNKNOWN
   */
  endBackup(id: number, keep: number): Promise<readonly BackupPoint[]>

  /** Oldest first. */
  backups(): Promise<readonly BackupPoint[]>
}

/** The point after these: an id is not used again while a younger one is known. */
export function nextPoint(points: readonly BackupPoint[], begun: string): BackupPoint {
  return { id: (points.at(-1)?.id ?? 0) + 1, begun }
}

/**
 * The points that are left when `id` is done: the last `keep` that are, and what was begun since.
 * @throws TillbridgeError TB_BACKUP_UNKNOWN
 */
export function finishPoint(
  points: readonly BackupPoint[],
  finished: { readonly id: number; readonly done: string; readonly keep: number },
): readonly BackupPoint[] {
  const { id, done, keep } = finished
  if (!points.some(point => point.id === id))
    throw new TillbridgeError('TB_BACKUP_UNKNOWN', `no backup ${id} was begun, or it is forgotten`)
  const all = points.map(point => (point.id === id ? { done, ...point } : point))
  const oldest = all.filter(isDone).slice(-keep)[0]
  return all.filter(point => oldest === undefined || point.id >= oldest.id)
}

/** The oldest backup that HQ would restore from; none where none was ever done. */
export function safePoint(points: readonly BackupPoint[]): BackupPoint | undefined {
  return points.find(isDone)
}

function isDone({ done }: BackupPoint): boolean {
  return done !== undefined
}
