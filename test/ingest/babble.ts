// A program: a line that babbles for days of virtual time, beside a till that sells; then the same
// days without it. `npm run babble -- --days 7`
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { babble } from './babbling-line.js'

const { values } = parseArgs({ options: { days: { type: 'string', default: '7' } } })
const hours = Number(values.days) * 24
for (const babbles of [true, false]) {
  const directory = mkdtempSync(join(tmpdir(), 'tillbridge-babble-'))
  const result = await babble({ directory, hours, babbles })
  process.stdout.write(`${JSON.stringify({ babbles, hours, ...result })}\n`)
  rmSync(directory, { recursive: true })
  if (!result.soldAll) process.exitCode = 1
}
