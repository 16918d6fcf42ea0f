import t from 'tap'
import { fromHex, toHex } from '../../../gateway/core/bytes.js'
import { type Pdu, readPdu, writePdu } from '../../../gateway/protocol/modbus/pdu.js'
import type { Direction } from '../../../gateway/protocol/modbus/pdu-size.js'

/** Bytes of pymodbus (BSD), test/pdu/test_pdu.py and test_decoders.py @ 736127513cee. */
const KNOWN: readonly (readonly [Direction, string, Partial<Record<string, unknown>>])[] = [
  ['request', '0100750003', { type: 'span', function: 1, address: 117, count: 3 }],
  ['request', '050075ff00', { type: 'one', function: 5, address: 117, value: 0xff00 }],
  ['request', '0f007500030105', { type: 'write-bits', count: 3, bits: [true, false, true] }],
  ['request', '100075000306006f00790083', { registers: [111, 121, 131] }],
  ['request', '2b0e0100', { type: 'identify', readCode: 1, objectId: 0 }],
  ['request', '17001100020019000204006f0070', { type: 'other', function: 23 }],
  [
    'reply',
    '010103',
    { type: 'bits', bits: [true, true, ...Array.from({ length: 6 }, () => false)] },
  ],
  ['reply', '030400030011', { type: 'registers', registers: [3, 17] }],
  ['reply', '0600750070', { type: 'one', address: 117, value: 112 }],
  ['reply', '1000750003', { type: 'span', function: 16, address: 117, count: 3 }],
  ['request', '180075', { type: 'other', function: 24 }],
  ['reply', '1800060002007b01c8', { type: 'other', function: 24 }],
  ['reply', '890b', { type: 'exception', function: 9, exception: 11 }],
  ['reply', '8302', { type: 'exception', function: 3, exception: 2 }],
  ['reply', '0800000000', { type: 'other', function: 8 }],
  [
    'reply',
    '2b0e0101000001000177',
    { type: 'identity', objects: [{ id: 0, value: 'w' }], moreFollows: false },
  ],
]

t.test('what is read is written as it was', async t => {
  for (const [direction, hex, expected] of KNOWN) {
    const read = readPdu(fromHex(hex), direction)
    t.match(read, { ok: true, value: expected }, hex)
    if (read.ok) t.equal(toHex(writePdu(read.value)), hex)
  }
})

t.test('what contradicts itself is no message', async t => {
  const wrong: readonly (readonly [Direction, string])[] = [
    ['reply', ''],
    ['reply', '03030003001100'],
    ['reply', '0304000300'],
    ['reply', '830201'],
    ['reply', 'cd01'],
    ['reply', '180005000200'],
    ['reply', '70'],
    ['request', '0300010000'],
    ['request', '030001007e'],
    ['request', '100001000203000a01'],
    ['request', '100001000000'],
    ['request', '2b0f0100'],
  ]
  for (const [direction, hex] of wrong)
    t.match(readPdu(fromHex(hex), direction), { ok: false }, hex)
})

t.test('a number that its field cannot hold is not written', async t => {
  const pdu: Pdu = { type: 'one', function: 6, address: 1, value: 0x1_0000 }
  t.throws(() => writePdu(pdu), RangeError)
  const objects = [{ id: 0, value: 'x'.repeat(256) }]
  const identity = { readCode: 1, conformity: 1, moreFollows: false, nextObject: 0, objects }
  t.throws(() => writePdu({ type: 'identity', function: 0x2b, ...identity }), RangeError)
})
