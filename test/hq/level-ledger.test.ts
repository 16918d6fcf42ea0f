import t from 'tap'
import { seededRandom } from '../../gateway/core/random.js'
import { documentKey, INDEXED_KEY, versionKey } from '../../gateway/hq/ledger-keys.js'
import { indexedUpTo } from '../../gateway/hq/level-indexes.js'
import { openLedgerDatabase } from '../../gateway/hq/level-ledger.js'
import { testLedger } from '../contract/ledger.js'
import { batchOf, endOf, makeEpoch } from '../support/chain.js'
import { documentEvents } from '../support/document-events.js'
import { STORE } from '../support/sample.js'
import { ledgerIn } from './open.js'

testLedger(t, ledgerIn)

t.test(
  'rows of a version without the indexes are found, also behind one that has them',
  async t => {
    const place = t.testdir()
    const random = seededRandom(1)
    const { received, applied } = documentEvents(STORE)
    const events = [received(1, ['till-1']), applied('till-1', 1)]
    const first = makeEpoch({ random, software: '0.1.0', events })
    const second = makeEpoch({
      random,
      ordinal: 2,
      after: endOf(first),
      software: '0.2.0',
      events: [],
    })
    const asOf = async (): Promise<readonly unknown[]> => {
      const ledger = await ledgerIn(place)
      const said = [await ledger.documents('prices'), await ledger.versions()]
      await ledger.close()
      return said
    }
    const ledger = await ledgerIn(place)
    await ledger.commit(batchOf(first, { first: 1, last: 3 }))
    await ledger.commit(batchOf(second, { first: 1, last: second.records.length }))
    await ledger.close()
    const whole = await asOf()
    t.match(whole, [[{ appliedVersion: 1 }], [{ software: '0.2.0' }]])

    for (const indexed of [undefined, 2]) {
      const database = await openLedgerDatabase(place)
      const lacking = [1, 2, 3, 4].filter(position => position > (indexed ?? 0))
      const keys = lacking.flatMap(position => [documentKey(position), versionKey(position)])
      await database.batch(
        [
          ...keys.map(key => ({ type: 'del' as const, key })),
          indexed === undefined ? { type: 'del', key: INDEXED_KEY } : indexedUpTo(indexed),
        ],
        { sync: true },
      )
      await database.close()
      t.same(await asOf(), whole, `indexed up to ${indexed ?? 0}`)
    }
  },
)
