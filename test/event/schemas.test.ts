import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import t from 'tap'

t.test('docs/schema says what gateway/event says', async t => {
  const run = promisify(execFile)(process.execPath, ['scripts/event-schemas.mjs', '--check'])
  await t.resolves(run)
})
