import t from 'tap'
import { testReceivers } from '../../contract/receivers.js'
import { startPostgres } from '../../support/postgres.js'
import { ledgerAt } from './open.js'

t.setTimeout(600_000)

const postgres = await startPostgres()
t.teardown(() => postgres.stop())

let databases = 0
testReceivers(t, async () => {
  databases += 1
  const url = await postgres.url(`receivers-${databases}`)
  return () => ledgerAt(url)
})
