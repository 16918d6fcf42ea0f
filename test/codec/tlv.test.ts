import t from 'tap'
import { readTlv, writeTlv } from '../../gateway/codec/tlv.js'
import { fromHex, toHex } from '../../gateway/core/bytes.js'

t.test('lengths as BER writes them', async t => {
  for (const size of [0, 1, 127, 128, 255, 256, 5000]) {
    const written = writeTlv([{ tag: 0x22, value: new Uint8Array(size).fill(7) }], 'ber')
    t.ok(written.ok)
    if (!written.ok) continue
    const read = readTlv(written.value, 'ber')
    t.equal(read.ok && read.value[0]?.value.length, size)
    t.match(readTlv(written.value.subarray(0, -1), 'ber'), { ok: false }, 'short input fails')
  }
  t.match(readTlv(fromHex('22817f'), 'ber'), { ok: false }, 'not the shortest form')
  t.match(readTlv(fromHex('2280'), 'ber'), { ok: false }, 'no indefinite form')
  t.match(readTlv(fromHex('2283000001aa'), 'ber'), { ok: false }, 'at most two length bytes')
})

t.test('one length byte', async t => {
  const read = readTlv(fromHex('01020304'), 'byte')
  t.strictSame(read, { ok: true, value: [{ tag: 1, value: fromHex('0304') }] })
  const written = writeTlv([{ tag: 1, value: new Uint8Array(256) }], 'byte')
  t.match(written, { ok: false })
  const small = writeTlv([{ tag: 1, value: fromHex('0304') }], 'byte')
  t.equal(small.ok && toHex(small.value), '01020304')
})
