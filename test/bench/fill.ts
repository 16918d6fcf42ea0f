import { spawn } from 'node:child_process'
import { z } from 'zod'
import { ended } from '../support/program.js'

/** What a fill cost. */
const filled = z.object({
  events: z.int(),
  /** Of the events as they are journaled, without record headers. */
  eventBytes: z.int(),
  /** `write_bytes` of /proc/self/io: what was sent to the disk. */
  writtenBytes: z.int(),
})

export type Filled = z.infer<typeof filled>

/** A journal with so many events of about 300 B, written by a process of its own. */
export async function fillJournal(directory: string, events: number): Promise<Filled> {
  const script = 'build/test/bench/fill-journal.js'
  const child = spawn(process.execPath, [script, directory, String(events)])
  const { code, stdout, stderr } = await ended(child)
  if (code !== 0) throw new Error(`the journal was not filled: ${stderr}`)
  return filled.parse(JSON.parse(stdout))
}
