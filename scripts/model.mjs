// The sync protocol as a Promela model (test/model/sync.pml), explored whole: the protocol as it is must
// hold, and each of four ways to get it wrong must fail, or the model would prove nothing.
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const MODEL = fileURLToPath(new URL('../test/model/sync.pml', import.meta.url))
const RUNS = [
  { name: 'the protocol', holds: true },
  { name: 'nothing is ever sent', mutation: 'NOSEND', holds: false },
  { name: 'the ledger does not look for repeats', mutation: 'NODEDUPE', holds: false },
  { name: 'trimmed at the receipt, safe or not', mutation: 'NORETENTION', holds: false },
  { name: 'no ledger generations', mutation: 'NOGEN', holds: false },
]
const MEMORY_LIMIT = 'MEMLIM=2048'

const PACKAGES = { spin: 'spin', cc: 'gcc libc6-dev' }
const missing = Object.entries(PACKAGES)
  .filter(([program]) => spawnSync(program, ['--version']).error !== undefined)
  .map(([, name]) => name)
if (missing.length > 0) {
  console.error(`The model needs these packages: sudo apt-get install ${missing.join(' ')}`)
  process.exit(1)
}

const directory = mkdtempSync(join(tmpdir(), 'tillbridge-model-'))

function run(program, ...args) {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: directory, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}:\n${stdout}${stderr}`)
  return stdout
}

/** Explores every state; an assertion that fails and an end that is none are errors alike. */
function explore(mutation) {
  run('spin', '-a', ...(mutation === undefined ? [] : [`-D${mutation}`]), 'sync.pml')
  const flags = ['-w', '-O2', '-DNOREDUCE', '-DSAFETY', '-DCOLLAPSE', `-D${MEMORY_LIMIT}`]
  run('cc', ...flags, '-o', 'pan', 'pan.c')
  const report = run('./pan', '-m1000000')
  const errors = Number(/errors: (\d+)/.exec(report)?.[1])
  const states = Number(/(\d+) states, stored/.exec(report)?.[1])
  const isWhole = !/max search depth too small|out of memory|Search not completed/.test(report)
  const found = /pan:\d+: (.*)/.exec(report)?.[1] ?? ''
  return { errors, states, isWhole, found }
}

let failed = 0
try {
  copyFileSync(MODEL, join(directory, 'sync.pml'))
  for (const { name, mutation, holds } of RUNS) {
    const { errors, states, isWhole, found } = explore(mutation)
    const isRight = holds ? errors === 0 && isWhole : errors > 0
    const outcome = errors === 0 ? 'holds' : `fails: ${found}`
    if (!isRight) failed += 1
    console.log(`${isRight ? 'ok    ' : 'not ok'} ${name}: ${states} states, ${outcome}`)
  }
} finally {
  rmSync(directory, { recursive: true, force: true })
}
process.exit(failed === 0 ? 0 : 1)
