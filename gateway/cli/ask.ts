import { createInterface } from 'node:readline/promises'

/** What somebody answers on standard input; undefined where it ends, or for Ctrl-C. */
export async function ask(question: string): Promise<string | undefined> {
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  const ended = new Promise<undefined>(resolve => lines.once('close', () => resolve(undefined)))
  lines.once('SIGINT', () => lines.close())
  const answer = await Promise.race([lines.question(question), ended])
  lines.close()
  return answer
}
