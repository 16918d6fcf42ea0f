import t from 'tap'
import {
  FULL_ACCESS,
  mayPublish,
  maySubscribe,
  storeAccess,
} from '../../gateway/broker/access-rules.js'
import { storeId } from '../../gateway/core/ids.js'

const root = 'tillbridge/1'
const ledger = storeAccess({ root, store: storeId('s1'), mode: 'ledger' })
const direct = storeAccess({ root, store: storeId('s1'), mode: 'direct' })

t.ok(mayPublish(ledger, 'tillbridge/1/s1/up/journal'))
t.notOk(mayPublish(ledger, 'tillbridge/1/s2/up/journal'), 'another store')
t.notOk(mayPublish(ledger, 'tillbridge/1/s1/down/receipt'), 'its own receipts')
t.notOk(mayPublish(ledger, 'tillbridge/1/s1/events/till/sale.completed'))
t.ok(mayPublish(direct, 'tillbridge/1/s1/events/till/sale.completed'))
t.ok(maySubscribe(ledger, 'tillbridge/1/s1/down/receipt'))
t.ok(maySubscribe(ledger, 'tillbridge/1/hq/ledger'))
t.notOk(maySubscribe(ledger, 'tillbridge/1/+/down/receipt'), 'everybody')
t.notOk(maySubscribe(ledger, '#'))
t.ok(maySubscribe(direct, 'tillbridge/1/s1/events/gateway/probe'))
t.ok(maySubscribe(FULL_ACCESS, 'tillbridge/1/+/up/journal'))
t.notOk(maySubscribe(FULL_ACCESS, '$SYS/#'))
t.notOk(mayPublish(FULL_ACCESS, '$SYS/x'))
t.notOk(maySubscribe({ read: ['$share/#', '#'], write: [] }, '$share/g/a'), 'never delivers')
