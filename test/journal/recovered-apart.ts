import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import type { Outcome, Shop } from './recovered.js'

const PROGRAM = fileURLToPath(new URL('./check-recovered.js', import.meta.url))

/** `checkRecovered` of a shop whose tables may abort LevelDB: that may happen once, no more. */
export async function checkRecoveredApart(
  t: Test,
  shop: Shop,
): Promise<Outcome & { readonly isAborted: boolean }> {
  const path = `${shop.dataDir}.shop`
  const { dataDir, acknowledged, ids } = shop
  writeFileSync(path, JSON.stringify({ dataDir, acknowledged: [...acknowledged], ids: [...ids] }))
  const first = await run(path)
  const isAborted = first.signal === 'SIGABRT'
  const { said, code } = isAborted ? await run(path, 'second') : first
  t.equal(code, 0, said.split('\n').filter(isTelling).join('\n'))
  // Written by the program beside it, of the same build.
  const outcome: Outcome = JSON.parse(readFileSync(`${path}.outcome`, 'utf8'))
  return { ...outcome, isAborted }
}

function isTelling(line: string): boolean {
  return !/^\s*(ok|1\.\.|TAP|#)/.test(line)
}

interface Ended {
  readonly code: number | undefined
  readonly signal: string | undefined
  readonly said: string
}

function run(path: string, life = 'first'): Promise<Ended> {
  return new Promise(resolve => {
    const options = { maxBuffer: Number.POSITIVE_INFINITY }
    execFile(process.execPath, [PROGRAM, path, life], options, (failure, stdout, stderr) => {
      const code = failure === null ? 0 : Number(failure.code ?? 1)
      resolve({ code, signal: failure?.signal ?? undefined, said: stdout + stderr })
    })
  })
}
