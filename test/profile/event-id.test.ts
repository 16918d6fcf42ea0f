import t from 'tap'
import { terminalId } from '../../gateway/core/ids.js'
import { loadRegistry } from '../../gateway/profile/registry.js'
import { captureAt } from '../contract/dialect.js'

const SALE = {
  training: false,
  businessDay: '2026-11-22',
  receiptNumber: '000017',
  operator: '7',
  date: '2026-11-22',
  time: '18:45:01',
  currency: 'EUR',
  items: [{ plu: '1', description: 'Tea', quantity: '1', unitPrice: '2.50', amount: 250 }],
  tenders: [{ type: 'cash', amount: 250 }],
  change: 0,
  total: 250,
}

t.test('an id is the terminal’s own key and nothing else', async t => {
  const registry = await loadRegistry({ extraFolders: [] })
  const till = registry.ok
    ? registry.value.dialectOf({ profile: 'tillbridge/reference-till', firmware: '1.0' })
    : undefined
  t.ok(till?.ok)
  if (!till?.ok) return
  const dialect = till.value
  const idOf = (change: object, capture: Partial<ReturnType<typeof captureAt>> = {}) => {
    const [frame] = dialect.createFramer().push(dialect.encode('sale', { ...SALE, ...change }))
    if (frame?.type !== 'frame') throw new RangeError('no frame')
    const decoded = dialect.decode(frame.payload, { ...captureAt(1e12), ...capture })
    return decoded.type === 'events' ? decoded.events[0]?.id : undefined
  }
  const id = idOf({})
  t.match(id, /^k-[0-9a-f]{32}$/)
  t.equal(idOf({}, captureAt(2e12)), id, 'heard later')
  t.equal(idOf({ operator: '8', time: '18:45:02' }), id, 'other data: a conflict, not a new sale')
  const others = [
    idOf({ receiptNumber: '000018' }),
    idOf({ businessDay: '2026-11-23' }),
    idOf({}, { terminal: terminalId('till-2') }),
  ]
  t.equal(new Set([id, ...others]).size, 4)
})
