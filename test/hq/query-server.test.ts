import { mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { silentLogger } from '../../gateway/core/log.js'
import { QueryServer } from '../../gateway/hq/query-server.js'
import { freshDirectory, openLedger } from '../support/shop.js'

const status = () => {
  throw new Error('not asked for')
}

t.test('only its user may ask', async t => {
  const directory = freshDirectory(t)
  const ledger = await openLedger(join(directory, 'ledger'))
  t.teardown(() => ledger.close())
  const path = join(directory, 'query.sock')
  const queries = new QueryServer({ ledger, path, logger: silentLogger, status })
  await queries.start()
  t.teardown(() => queries.stop())
  t.equal(statSync(path).mode & 0o777, 0o600)
})

t.test('a path too long for a socket is refused with the advice to use a shorter one', async t => {
  const directory = join(freshDirectory(t), 'x'.repeat(100))
  mkdirSync(directory)
  const ledger = await openLedger(join(directory, 'ledger'))
  t.teardown(() => ledger.close())
  const path = join(directory, 'query.sock')
  await t.rejects(new QueryServer({ ledger, path, logger: silentLogger, status }).start(), {
    code: 'TB_QUERY_SOCKET',
    message: /107 at most/,
    advice: /shorter `--data`/,
  })
})
