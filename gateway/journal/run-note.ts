import { type FileHandle, readFile } from 'node:fs/promises'

const BOOT_ID = '/proc/sys/kernel/random/boot_id'
const NOTE_BYTES = 37
const CLOSED = 'closed'

/**
 * A note in the journal's lock file that a process has the journal open: the id of the boot. Where
 * the next process of that boot finds it, the one before ended without closing: it was killed, or
 * LevelDB aborted it. Of an earlier boot it says nothing, so it need not survive a power cut, and
 * costs no fsync.
 */
export async function isRunNoted(lock: FileHandle): Promise<boolean> {
  const { bytesRead, buffer } = await lock.read(Buffer.alloc(NOTE_BYTES), 0, NOTE_BYTES, 0)
  return buffer.toString('latin1', 0, bytesRead) === (await noteOf(true))
}

/** Never rejects: without the note a damaged table may abort once more. */
export async function noteRun(lock: FileHandle, isRunning: boolean): Promise<void> {
  // Of one length, in place: it needs no room on a disk that has become full.
  await noteOf(isRunning)
    .then(note => lock.write(note, 0, 'latin1'))
    .catch(() => undefined)
}

async function noteOf(isRunning: boolean): Promise<string> {
  const text = isRunning ? (await readFile(BOOT_ID, 'latin1')).trim() : CLOSED
  return `${text.padEnd(NOTE_BYTES - 1)}\n`
}
