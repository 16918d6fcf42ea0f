import t from 'tap'
import { auditFields } from '../../../gateway/protocol/dex/audit-fields.js'
import { g85Of, isSound, readAuditFile } from '../../../gateway/protocol/dex/eva-dts.js'

function file(lines: readonly string[], options: { readonly end?: string } = {}): string {
  const { end = '\r\n' } = options
  const all = [...lines, `G85*${g85Of(lines)}`, `SE*${lines.length + 2}*0001`, 'DXE*1*1']
  return ['DXS*TIL0000001*VA*V0/6*1', ...all].map(line => line + end).join('')
}

const HEAD = ['ST*001*0001', 'ID4*2*1978*EUR']

t.test('G85 counts CR LF, however the file was stored', async t => {
  for (const end of ['\r\n', '\n', '\r']) {
    const [set] = readAuditFile(file(HEAD, { end }))
    t.ok(set !== undefined && isSound(set), JSON.stringify(end))
    t.match(set, { sender: 'TIL0000001', count: { printed: 4, counted: 4 } })
  }
})

t.test('some old machines print the low byte of G85 first', async t => {
  const good = g85Of(HEAD)
  const swapped = good.slice(2) + good.slice(0, 2)
  const [set] = readAuditFile(file(HEAD).replace(good, swapped))
  t.ok(set !== undefined && isSound(set))
})

t.test('a wrong segment count is told, a wrong or missing G85 is refused', async t => {
  const read = (text: string) => readAuditFile(text).map(set => auditFields(set, {}))
  t.match(read(file(HEAD).replace('SE*4', 'SE*9')), [{ segmentsAddUp: false }])
  t.throws(() => read(file(HEAD).replace('ID4*2', 'ID4*1')), /G85: expected the CRC/)
  t.throws(() => read(file(HEAD).replace(/G85.*\r\n/, '')), /G85: expected a checksum/)
})

t.test('several transaction sets are several audits', async t => {
  const other = ['ST*001*0002', 'ID4*2*1756', 'VA1*500*2']
  const sets = readAuditFile(file(HEAD) + file(other))
  t.match(
    sets.map(set => auditFields(set, {})),
    [{ currency: 'EUR' }, { currency: 'CHF', paid: 500, paidVends: 2 }],
  )
})

t.test('value and number, number and value: each segment in its own order', async t => {
  const lines = [
    ...HEAD,
    'VA1*5186*212*86*12',
    'CA2*5000*200',
    'DA2*186*12',
    'PA1*01*250*TEA',
    'PA2*8*2000',
    'PA7*01*DA*1*100*3*300',
    'PA1*02*FFFF',
  ]
  const [set] = readAuditFile(file(lines))
  t.match(set && auditFields(set, {}), {
    paid: 5186,
    paidVends: 212,
    tendersAddUp: true,
    tenders: [
      { tender: 'cash', vends: 200, amount: 5000 },
      { tender: 'cashless-1', vends: 12, amount: 186 },
    ],
    products: [
      { selection: '01', name: 'TEA', price: 250, vends: 8, amount: 2000 },
      { selection: '02' },
    ],
    productTenders: [{ selection: '01', tender: 'cashless-1', price: 100, vends: 3, amount: 300 }],
  })
})

t.test('amounts are those of the currency, or nothing', async t => {
  const read = (lines: readonly string[], money = {}) =>
    readAuditFile(file(lines)).map(set => auditFields(set, money))
  t.match(read(['ST*1', 'ID4*1*1643', 'VA1*25*1']), [{ currency: 'RUB', paid: 250 }])
  t.match(read(['ST*1', 'VA1*25*1'], { currency: 'JPY', decimals: 0 }), [{ paid: 25 }])
  t.throws(() => read(['ST*1', 'ID4*3*1978', 'VA1*25*1']), /VA101: expected an amount that EUR/)
  t.throws(() => read(['ST*1', 'ID4*2*0039']), /ID402: expected a currency/)
  t.throws(() => read(['ST*1', 'ID4*2*1978'], { currency: 'CHF' }), /ID402: expected the currency/)
  t.throws(() => read(['ST*1', 'VA1*1*1'], { currency: 'EUR' }), /ID401: expected the decimals/)
})
