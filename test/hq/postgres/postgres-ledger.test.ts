import t from 'tap'
import { testLedger } from '../../contract/ledger.js'
import { startPostgres } from '../../support/postgres.js'
import { ledgerAt } from './open.js'

const postgres = await startPostgres()
t.teardown(() => postgres.stop())

testLedger(t, async place => ledgerAt(await postgres.url(place)))
