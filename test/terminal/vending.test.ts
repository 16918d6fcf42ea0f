import t from 'tap'
import { concatBytes } from '../../gateway/core/bytes.js'
import { markedBytes } from '../../gateway/protocol/mdb/mdb-frame.js'
import { until } from '../support/until.js'
import { startSession } from './shop.js'

const SOLD = { selection: '12', currency: 'EUR', amount: 150 } as const
const ACK = markedBytes('peripheral', Uint8Array.of(0))

t.test('a vend that is heard on a bus is a sale; one that failed is a complaint', async t => {
  const shop = await startSession(t, { profile: 'vending/mdb', firmware: '4.3' })
  await until('connected', () => shop.session.status.state === 'connected')
  await shop.till.send(shop.dialect.encode('vend', SOLD))
  await until('sold', () => shop.session.status.eventsTotal === 1)
  await shop.till.send(concatBytes([ACK, shop.dialect.encode('vend-failed', SOLD)]))
  await until('rejected', async () =>
    (await shop.events()).some(({ type }) => type === 'frame.rejected'),
  )
  const events = await shop.events()
  t.match(
    events.filter(({ type }) => type === 'sale.completed'),
    [{ data: { totalMinor: 150, lineItems: [{ plu: '12' }], tenders: [{ type: 'other' }] } }],
  )
  t.match(
    events.find(({ type }) => type === 'frame.rejected'),
    { data: { issues: [/vend-failed: the product did not come/] } },
  )
  t.equal(shop.till.heard().length, 0, 'a listener says nothing')
})
