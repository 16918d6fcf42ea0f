import t from 'tap'
import { testLedger } from '../../contract/ledger.js'
import { startPostgres } from '../../support/postgres.js'
import { ledgerAt } from './open.js'

const postgres = await startPostgres()
t.teardown(() => postgres.stop())

// Tables that stand already, without a ledger's name: half the time of making them each time.
const made = await postgres.url('template')
await (await ledgerAt(made)).close()
await postgres.query(made, 'DELETE FROM tillbridge.ledger')
const template = /\/(t_\w+)/.exec(made)?.[1] ?? ''

testLedger(t, async (place, now) => ledgerAt(await postgres.url(place, { template }), now))
