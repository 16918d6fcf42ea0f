import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import type { Test } from 'tap'

/** The built command line, from the root of the project. */
export const MAIN = 'build/gateway/cli/main.js'

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/**
 * A program as a user starts it: nothing of ours in its environment, and nothing of the test
 * runner's, which loads itself into every Node by NODE_OPTIONS. Killed with the test.
 */
export function startProgram(
  t: Test,
  command: readonly string[],
  env: Readonly<Record<string, string>> = {},
): ChildProcessWithoutNullStreams {
  const own = Object.keys(process.env).filter(name => name.startsWith('TILLBRIDGE_'))
  const unset = ['NODE_OPTIONS', ...own].map(name => `--unset=${name}`)
  const set = Object.entries(env).map(([name, value]) => `${name}=${value}`)
  const child = spawn('env', [...unset, ...set, ...command])
  t.teardown(() => child.kill('SIGKILL'))
  return child
}

/** What a program said until it ended. */
export async function ended(child: ChildProcessWithoutNullStreams): Promise<Ended> {
  const text = { stdout: '', stderr: '' }
  child.stdout.on('data', chunk => {
    text.stdout += chunk
  })
  child.stderr.on('data', chunk => {
    text.stderr += chunk
  })
  const code = await new Promise<number | null>(resolve => child.once('close', resolve))
  return { code, ...text }
}
