import t from 'tap'
import { fromHex, toHex } from '../../../gateway/core/bytes.js'
import { encodeApdu, readApdu, readApduHeader } from '../../../gateway/protocol/zvt/apdu.js'
import { encodeBmps, readBmps } from '../../../gateway/protocol/zvt/bmp.js'
import { apduOfCommand } from '../../../gateway/protocol/zvt/command.js'
import { encodeMessage, readMessage } from '../../../gateway/protocol/zvt/message.js'
import { maskedPan } from '../../../gateway/protocol/zvt/pan.js'
import { charsetOfTag, likelyCharset, textOf } from '../../../gateway/protocol/zvt/text.js'
import { readTlvElements, readTlvTag, tlvLengthBytes } from '../../../gateway/protocol/zvt/tlv.js'
import { encodeVarLength, readVarLength } from '../../../gateway/protocol/zvt/var-length.js'

const TILL = { password: '123456', currency: 'EUR', configByte: 0x18 }

/** ä ö ü ß in each character set. */
const UMLAUTS = {
  cp437: '842094208120e1',
  'latin-1': 'e420f620fc20df',
  'utf-8': 'c3a420c3b620c3bc20c39f',
  'german-7bit': '7b207c207d207e',
} as const

t.test('an APDU says how long it is in one byte or in three, the low one first', async t => {
  for (const size of [0, 254, 255, 256, 300]) {
    const apdu = { control: '06D3', data: new Uint8Array(size).fill(7) }
    const bytes = encodeApdu(apdu)
    t.equal(bytes.length, size + (size < 255 ? 3 : 5))
    t.strictSame(readApdu(bytes), apdu)
    t.equal(readApdu(bytes.subarray(1)), undefined)
  }
  t.match(readApduHeader(fromHex('040fff00016c')), { dataLength: 256, dataOffset: 5 })
  t.equal(readApduHeader(fromHex('040fff00')), undefined)
  t.throws(() => encodeApdu({ control: '06D3', data: new Uint8Array(0x10000) }), RangeError)
})

t.test('a field that is not known, or not whole, is not guessed', async t => {
  const issue = (hex: string): string => {
    const read = readBmps(fromHex(hex))
    return read.ok ? 'read' : read.error
  }
  t.match(issue('1012'), 'BMP 10 is not known')
  t.match(issue('0400'), 'BMP 04 ends beyond')
  t.match(issue('22e0f4'), 'BMP 22: its length is none')
  t.match(issue('0683000000'), 'BMP 06: its length is none')
  t.equal(issue('27000400000000125006021400'), 'read')
})

t.test('what was read is written as it was', async t => {
  const hex = '2700040000000020408bf0f341424306041f120102'
  const read = readBmps(fromHex(hex))
  t.ok(read.ok)
  if (read.ok) t.equal(toHex(encodeBmps(read.value)), hex)
  t.throws(() => encodeBmps([{ tag: 0x04, value: fromHex('00') }]), /BMP 04: expected 6 bytes/)
  t.throws(() => encodeBmps([{ tag: 0x8b, value: new Uint8Array(100) }]), RangeError)
})

t.test('lengths in decimal digits', async t => {
  t.equal(readVarLength(fromHex('f1f8'), 2), 18)
  t.equal(readVarLength(fromHex('f1f8f9'), 3), 189)
  t.equal(readVarLength(fromHex('f1e8'), 2), undefined)
  t.equal(readVarLength(fromHex('f1'), 2), undefined)
  t.equal(toHex(encodeVarLength(fromHex('aabb'), 3)), 'f0f0f2aabb')
})

t.test('elements of a container, nested and malformed', async t => {
  const read = readTlvElements(fromHex('2406070161070162'))
  t.ok(read.ok)
  if (read.ok)
    t.strictSame(
      read.value[0]?.elements.map(({ value }) => toHex(value)),
      ['61', '62'],
    )
  for (const hex of ['1f', '07', '0703aa', '0780', '24020703', '24'.repeat(3)])
    t.notOk(readTlvElements(fromHex(hex)).ok, hex)
  const deep = Array.from({ length: 12 }).reduce<string>(
    inner => `24${toHex(tlvLengthBytes(inner.length / 2))}${inner}`,
    '0700',
  )
  t.match(readTlvElements(fromHex(deep)), { ok: false, error: /deeper/ })
  t.match(readTlvTag(fromHex('1f8000')), { hex: '1F8000', number: 0, bytes: 3 })
})

t.test('texts in every character set, told apart by their letters', async t => {
  for (const [charset, hex] of Object.entries(UMLAUTS)) {
    const bytes = fromHex(hex)
    const likely = likelyCharset(bytes)
    t.equal(likely, charset)
    t.equal(textOf(bytes, likely), 'ä ö ü ß')
  }
  t.equal(textOf(fromHex('c4c4c4'), likelyCharset(fromHex('c4c4c4'))), '───', 'a line, no letters')
  const named = ['00', '01', '02', 'fe', 'ff'].map(hex => charsetOfTag(fromHex(hex)))
  t.strictSame(named, ['cp437', 'latin-1', 'iso-8859-2', 'utf-8', 'cp437'])
})

t.test('no more of a card number is kept than its first six and last four digits', async t => {
  t.equal(maskedPan(fromHex('676389eeeeee1230')), '676389******1230')
  t.equal(maskedPan(fromHex('4111111111111111')), '411111******1111')
  t.equal(maskedPan(fromHex('eeeeeeeeeeee572f')), '************572')
  t.equal(maskedPan(fromHex('12345f')), '*****')
  t.equal(maskedPan(fromHex('5966d2002122')), undefined, 'an EF_ID')
})

t.test('a completion is told apart from what stands in it', async t => {
  const head = (hex: string) => {
    const apdu = readApdu(fromHex(hex))
    const read = apdu === undefined ? undefined : readMessage(apdu)
    if (read?.ok !== true) return 'unreadable'
    t.equal(toHex(encodeMessage(read.value)), hex, 'written again')
    const { terminalStatus, softwareVersion } = read.value.head
    return {
      status: terminalStatus,
      version: softwareVersion?.length,
      bmps: read.value.bmps.length,
    }
  }
  t.match(head('060f07f0f0f3626c6106'), { status: 6, version: 3, bmps: 0 })
  t.match(head('060f09f0f0f3626c61060600'), { status: 6, version: 3, bmps: 1 })
  t.match(head('060f0106'), { status: 6, version: undefined, bmps: 0 })
  t.match(head('060f03060600'), { status: 6, bmps: 1 })
  t.match(head('060f0a19102952523535490978'), { status: undefined, bmps: 3 })
  t.equal(head('060f0404000000'), 'unreadable')
})

t.test('commands as the specification writes them', async t => {
  const said = (verb: string, values = {}): string => {
    const apdu = apduOfCommand({ verb, values }, TILL)
    return apdu.ok ? toHex(apdu.value) : apdu.error
  }
  t.equal(said('register'), '060006123456180978')
  t.equal(said('authorise', { amountMinor: 11000 }), '06010c04000000011000490978020a')
  t.equal(said('refund', { amountMinor: 500 }), '06310d12345604000000000500490978')
  t.equal(said('reverse', { receiptNumber: 42 }), '063006123456870042')
  t.equal(said('repeat-receipt'), '0620051234560303')
  t.equal(said('end-of-day'), '065003123456')
  t.equal(said('status'), '050103123456')
  t.equal(said('abort'), '06b000')
  for (const amountMinor of [0, -5, 1.5, 1e12, 'ten', undefined])
    t.match(said('authorise', { amountMinor }), /amountMinor/)
  t.match(said('reverse', { receiptNumber: '12345' }), /receiptNumber/)
  t.match(said('dance'), /has no dance/)
})
