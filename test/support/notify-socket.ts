import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { until } from './until.js'

/** What arrives at a datagram socket of the local kind, as systemd gives a service one. */
export interface NotifySocket {
  readonly path: string
  heard(): string
}

export async function notifySocket(
  t: Pick<Test, 'teardown'>,
  name?: `@${string}`,
): Promise<NotifySocket> {
  // The kernel takes 107 bytes of a path; a runner's own folders are longer.
  const folder = mkdtempSync(join(tmpdir(), 'notify-'))
  const path = name ?? join(folder, 'socket')
  const address = name === undefined ? `UNIX-RECV:${path}` : `ABSTRACT-RECV:${name.slice(1)}`
  const socat = spawn('socat', ['-u', address, 'STDOUT'], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => {
    socat.kill()
    rmSync(folder, { recursive: true })
  })
  let text = ''
  socat.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  await until('it listens', () => name !== undefined || existsSync(path))
  return { path, heard: () => text }
}
