import t from 'tap'
import { concatBytes, fromHex } from '../../../gateway/core/bytes.js'
import { encodeFrame, framingSchema } from '../../../gateway/line/framing/catalog.js'
import { Edc, edcSchema } from '../../../gateway/protocol/payment/edc-protocol.js'
import { Mellon, rememberedRequest } from '../../../gateway/protocol/payment/mellon.js'
import { Opi } from '../../../gateway/protocol/payment/opi.js'
import { Pax } from '../../../gateway/protocol/payment/pax.js'
import { PosLink } from '../../../gateway/protocol/payment/pos-link.js'
import { SmartSale } from '../../../gateway/protocol/payment/smart-sale.js'
import {
  joinSmartSale,
  wholeSmartSale,
} from '../../../gateway/protocol/payment/smart-sale-message.js'
import {
  joinUpos,
  readUpos,
  readUposResult,
  wholeUpos,
} from '../../../gateway/protocol/payment/upos-message.js'
import { readVendotekHeader } from '../../../gateway/protocol/payment/vendotek-tlv.js'
import { parseXml } from '../../../gateway/protocol/payment/xml.js'
import type { Protocol, Reading } from '../../../gateway/protocol/protocol.js'

const latin1 = (text: string): Uint8Array => Buffer.from(text, 'latin1')

function only(protocol: Protocol, payload: Uint8Array): Reading {
  return protocol.read(payload)
}

t.test('a full card number does not leave the decoder', async t => {
  const pan = '6805330010086784747'
  const xml =
    '<CardServiceResponse RequestType="CardPayment" RequestID="1" OverallResult="Success">' +
    '<Tender><TotalAmount Currency="EUR">39.50</TotalAmount>' +
    `<Authorisation CardPAN="${pan}" TimeStamp="2024-02-09T09:36:28-00:00"/></Tender>` +
    '<Terminal STAN="021601"/></CardServiceResponse>'
  const reading = only(new Opi(), latin1(xml))
  t.match(reading, { messages: [{ name: 'approved', fields: { amount: 3950 } }] })
  t.notMatch(JSON.stringify(reading), pan.slice(6, 15))
  t.match(JSON.stringify(reading), /680533\*+4747/)
})

t.test('OPI: what names no amount, no currency or another root is refused', async t => {
  const paid = (inside: string): string =>
    '<CardServiceResponse RequestType="CardPayment" RequestID="1" OverallResult="Success">' +
    `${inside}</CardServiceResponse>`
  for (const xml of [
    paid(''),
    paid('<TotalAmount>39.50</TotalAmount>'),
    paid('<TotalAmount Currency="EUR">39.505</TotalAmount>'),
    paid('<TotalAmount Currency="EUR">thirty</TotalAmount>'),
    '<Other RequestType="CardPayment" RequestID="1"/>',
    '<CardServiceResponse',
  ])
    t.match(only(new Opi(), latin1(xml)), { type: 'rejected' }, xml)
  const failed = paid('').replace('Success', 'Failure')
  t.match(only(new Opi(), latin1(failed)), { messages: [{ name: 'other' }] })
})

t.test('XML: no document type, no entity but those of XML, no endless document', async t => {
  const bomb = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>&x;</a>'
  t.match(parseXml(bomb), { ok: false })
  t.match(parseXml('<a>&unknown;</a>'), { ok: false })
  t.match(parseXml('<a>'.repeat(20) + '</a>'.repeat(20)), { ok: false, error: /too large/ })
  t.match(parseXml(`<a>${'<b/>'.repeat(3000)}</a>`), { ok: false, error: /too large/ })
  t.match(parseXml('<a b="1">x &amp; y<![CDATA[<z>]]></a>'), {
    ok: true,
    value: { attributes: { b: '1' }, text: 'x & y<z>' },
  })
})

t.test('POSLink: answers and requests are told apart, a comma in a field is one', async t => {
  const protocol = new PosLink({ type: 'pos-link', currency: 'NZD' })
  const answer = 'D1,PUR,1,000010.00,000002.00,00,ACCEPTED,BR1,000123,411111......1111,CHQ'
  t.match(only(protocol, latin1(answer.replace('......', '******'))), {
    messages: [{ name: 'approved', fields: { amount: 1000, cash: 200, traceNumber: '000123' } }],
  })
  const declined = 'D1,REF,1,000010.00,01,DECLINED\x1c SORRY,BR1,000123,,'
  t.match(only(protocol, latin1(declined)), {
    messages: [{ name: 'declined', fields: { amount: 1000, text: 'DECLINED, SORRY' } }],
  })
  t.match(only(protocol, latin1('D1,REF,1,000010.00,Hi,YY')), { messages: [{ name: 'requested' }] })
  t.match(only(protocol, latin1('D1,DSP,1,SWIPE CARD')), { messages: [{ name: 'progress' }] })
  t.match(only(protocol, latin1('D1,QCD,1,00,OK,;4111=2512?')), { type: 'sensitive' })
  t.match(only(protocol, latin1('D1,PUR,1,10,0,00,OK,B,1,,')), { type: 'rejected' })
  t.match(only(protocol, latin1('nonsense')), { type: 'rejected' })
})

t.test('Mellon: what the card pays is the final amount', async t => {
  const protocol = new Mellon({ type: 'mellon', currency: 'EUR' })
  const result =
    'MEL0101R/S000728/C00/DVisa Credit:************3489:2000:1500:111:64999999:000091:' +
    '133030119089:000065:787032:20211126180454'
  t.match(only(protocol, latin1(result)), { type: 'rejected', issue: /was not heard/ })
  const asked = rememberedRequest({ session: '000728', kind: 'approved', amount: 2000 })
  t.match(protocol.read(latin1(result), asked), {
    messages: [
      {
        name: 'approved',
        fields: { amount: 1500, reference: '000728', date: '2021-11-26', time: '18:04:54' },
      },
    ],
  })
  t.match(protocol.read(latin1(`${result}/P50/50 EUR`), asked), {
    messages: [{ name: 'approved' }],
  })
  t.match(only(protocol, latin1('MEL0101A/S000728/F2000')), { messages: [{ name: 'progress' }] })
  t.match(only(protocol, latin1('MEL0101R/S000677/C33')), { messages: [{ name: 'other' }] })
  t.match(only(protocol, latin1('MEL0101E/999')), {
    messages: [{ name: 'other', fields: { text: '999' } }],
  })
  t.match(only(protocol, latin1('MEL0101R/S000728/C00/DVisa:1')), { type: 'rejected' })
  t.match(only(protocol, latin1('MEL0101R/S1/S2/C00')), { type: 'rejected' })
})

t.test('SmartSale: blocks in their order make one message', async t => {
  const block = (number: string, data: string): Uint8Array => {
    const inside = concatBytes([fromHex('080001010031020100'), latin1(number), latin1(data)])
    return concatBytes([Uint8Array.of(0x01, inside.length, 0), inside])
  }
  const [first, second, last] = [block('1', 'AB'), block('2', 'CD'), block('0', 'EF')]
  t.equal(joinSmartSale([], first), 'part')
  t.equal(joinSmartSale([], second), 'misfit', 'the first is missing')
  t.equal(joinSmartSale([first], second), 'part')
  t.equal(joinSmartSale([first, second], last), 'whole')
  t.equal(joinSmartSale([first], block('3', 'CD')), 'misfit')
  const whole = wholeSmartSale(concatBytes([first, second, last]))
  t.equal(whole.ok && Buffer.from(whole.value).toString('latin1'), 'ABCDEF')
  t.match(wholeSmartSale(concatBytes([first, last, second])), { ok: false })
  t.match(wholeSmartSale(first), { ok: false }, 'a part is no message')
})

t.test('SmartSale: another currency than configured is refused', async t => {
  const protocol = new SmartSale({ type: 'smart-sale', currency: 'RUB' })
  const when = { date: '2018-10-16', time: '19:15:23' }
  const values = { amount: 100, ...when, terminalId: '00266286', reference: '1' }
  const framer = protocol.createFramer()
  const [frame] = framer.push(protocol.encode('approved', values))
  t.ok(frame?.type === 'frame')
  if (frame?.type !== 'frame') return
  t.match(only(protocol, frame.payload), {
    messages: [{ name: 'approved', fields: { amount: 100 } }],
  })
  const dollars = new SmartSale({ type: 'smart-sale', currency: 'USD' })
  t.match(only(dollars, frame.payload), { type: 'rejected', issue: /currency/ })
})

t.test('UPOS: a result in two frames (SberbankPacketLayerTest)', async t => {
  const first = fromHex(
    '80b400bc00f66e0780000032373033333500383332393531313537353436003030303100343237363633' +
      '2a2a2a2a2a2a323931350000000030322f3230008e848e819085488e3a0000000000000000000000000000' +
      '00000000000000000085f03301460a02000132303032333134310056697361000000000000000000000000' +
      '363331303030303030303436000000008171e79003bfc422a73796f0ee4e0c5ba05d4d56d2634db744cab6' +
      '44740e69c9c4ddaa6b5f82',
  )
  const second = fromHex('010fc54f4a2097b251e70627a1357bc803')
  t.equal(joinUpos([], first), 'part')
  t.equal(joinUpos([first], second), 'whole')
  t.equal(joinUpos([], second), 'misfit')
  t.match(wholeUpos(first), { ok: false })
  const whole = wholeUpos(concatBytes([first, second]))
  t.ok(whole.ok)
  if (!whole.ok) return
  const message = readUpos(whole.value)
  t.ok(message.ok)
  if (!message.ok) return
  t.match(readUposResult(message.value.body), {
    responseCode: 0,
    authorisationCode: '270335',
    reference: '832951157546',
    operationNumber: '0001',
    card: '427663******2915',
    date: '2018-11-25',
    time: '13:37:02',
    terminalId: '20023141',
    cardScheme: 'Visa',
  })
})

t.test('Vendotek: lengths in up to four bytes (TlvTest)', async t => {
  const header = (hex: string) => readVendotekHeader(fromHex(hex))
  t.match(header('0181f10304'), { value: { headerLength: 3, valueLength: 241 } })
  t.match(header('018202000304'), { value: { headerLength: 4, valueLength: 512 } })
  t.match(header('0180'), { value: { headerLength: 2, valueLength: 128 } })
  t.match(header('0185'), { ok: false })
  t.match(header('01'), { ok: false })
})

t.test('what is approved and not read is refused, never passed over', async t => {
  const edc = new Edc(edcSchema.parse({ type: 'edc', lastTransaction: '7A' }))
  const sale = { amount: 100, date: '2026-11-22', time: '18:45:01', traceNumber: '000012' }
  const framer = edc.createFramer()
  const edcOf = (transaction: string, values: Readonly<Record<string, unknown>>): Reading => {
    const [frame] = framer.push(edc.encode('approved', { ...sale, ...values }))
    if (frame?.type !== 'frame') throw new RangeError('no frame')
    const text = Buffer.from(frame.payload).toString('latin1')
    return only(edc, latin1(`${text.slice(0, 12)}${transaction}${text.slice(14)}`))
  }
  t.match(edcOf('20', {}), { messages: [{ name: 'approved' }] })
  t.match(edcOf('99', {}), { type: 'rejected', message: 'approved', issue: /transaction 99/ })
  t.match(edcOf('50', {}), { messages: [{ name: 'other' }] }, 'the sum of a day')
  t.match(edcOf('7A', { reference: 'A1' }), { messages: [{ name: 'approved' }] })
  t.match(edcOf('7A', {}), { type: 'rejected', issue: /the last transaction/ })
  t.throws(() => edcSchema.parse({ type: 'edc', currency: 'VND' }), /two decimals/)

  const pax = new Pax({ type: 'pax', currency: 'USD' })
  const paxOf = (command: string, type: string): Reading =>
    only(
      pax,
      latin1(
        `0\x1c${command}\x1c1.44\x1c000000\x1cOK\x1c00\x1fAPPROVAL\x1f123456\x1c${type}\x1c1050\x1f0\x1c` +
          '1111\x1f2\x1c17\x1fINV9\x1f20261122184501',
      ),
    )
  t.match(paxOf('T03', '01'), { type: 'rejected', issue: /T03/ })
  t.match(paxOf('T01', '04'), { type: 'rejected', issue: /T01 04/ })
  t.match(paxOf('A01', '01'), { messages: [{ name: 'other' }] })

  const opi = (type: string, amount: string): Reading =>
    only(
      new Opi(),
      latin1(
        `<CardServiceResponse RequestType="${type}" RequestID="1" OverallResult="Success">` +
          `<Terminal STAN="1"/><Tender><TotalAmount Currency="EUR">${amount}</TotalAmount>` +
          '<Authorisation TimeStamp="2024-02-09T09:36:28"/></Tender></CardServiceResponse>',
      ),
    )
  t.match(opi('CardPayment', '39.50'), { messages: [{ name: 'approved' }] })
  t.match(opi('CardPayment', '-39.50'), { type: 'rejected', issue: /negative/ })
  t.match(opi('RepeatLastMessage', '39.50'), { type: 'rejected', issue: /RepeatLastMessage/ })

  const smartSale = new SmartSale({ type: 'smart-sale', currency: 'RUB' })
  const operation = (code: string): Reading => {
    const fields = new Map([
      [0x00, latin1('100')],
      [0x04, latin1('643')],
      [0x19, latin1(code)],
      [0x27, latin1('1')],
    ])
    return smartSale.readFields(fields)
  }
  t.match(operation('29'), { type: 'rejected', issue: /operation 29/ })
  t.match(operation('59'), { messages: [{ name: 'other' }] })
  t.match(operation('21'), { messages: [{ name: 'progress' }] })
})

t.test('PAX: an approval, a refusal, a command', async t => {
  const protocol = new Pax({ type: 'pax', currency: 'USD' })
  const framing = framingSchema.parse({ type: 'stx-etx', checksum: 'lrc' })
  const text =
    '0\x1cT01\x1c1.44\x1c000000\x1cOK\x1c00\x1fAPPROVAL\x1f123456\x1c01\x1c1050\x1f0\x1c' +
    '1111\x1f2\x1c17\x1fINV9\x1f20261122184501'
  t.ok(encodeFrame(framing, latin1(text)))
  t.match(only(protocol, latin1(text)), {
    messages: [{ name: 'approved', fields: { amount: 1050, authorisationCode: '123456' } }],
  })
  t.match(only(protocol, latin1(text.replace('000000', '000100'))), {
    messages: [{ name: 'declined' }],
  })
  t.match(only(protocol, latin1('T00\x1c1.44\x1c01\x1c1050')), { messages: [{ name: 'progress' }] })
  t.match(only(protocol, latin1('\x1c\x1c')), { type: 'rejected' })
})
