import t from 'tap'
import { fromHex } from '../../../gateway/core/bytes.js'
import {
  CHECKSUM_BYTES,
  CHECKSUM_NAMES,
  type ChecksumName,
  checksum,
} from '../../../gateway/line/checksum/catalog.js'

/** What each gives for the ASCII text "123456789": for CRCs the catalogue's own check value. */
const CHECK_VALUES: Readonly<Record<ChecksumName, number>> = {
  lrc: 0x31,
  sum8: 0xdd,
  'negated-sum8': 0x23,
  sum16: 0x01dd,
  'negated-sum16': 0xfe23,
  'CRC-16/ARC': 0xbb3d,
  'CRC-16/IBM-3740': 0x29b1,
  'CRC-16/IBM-SDLC': 0x906e,
  'CRC-16/KERMIT': 0x2189,
  'CRC-16/MODBUS': 0x4b37,
  'CRC-16/UMTS': 0xfee8,
  'CRC-16/XMODEM': 0x31c3,
}

/** Bytes that terminals send, with the checksum their specifications or public code give. */
const TERMINAL_EXAMPLES = [
  { user: 'ZVT, 80 00 00 and ETX', name: 'CRC-16/KERMIT', bytes: '80000003', value: 0x1ff5 },
  { user: 'DEX, "11111" and ETB', name: 'CRC-16/ARC', bytes: '313131313117', value: 0x4873 },
  { user: 'Modbus RTU request', name: 'CRC-16/MODBUS', bytes: '010400000002', value: 0xcb71 },
  { user: 'ccTalk with CRC', name: 'CRC-16/XMODEM', bytes: '280001', value: 0x3f46 },
  { user: 'Sberbank', name: 'CRC-16/IBM-3740', bytes: '0007500000e4df0300', value: 0x6710 },
  { user: 'Inpas', name: 'CRC-16/UMTS', bytes: '0205001902003231', value: 0xa5c2 },
  { user: 'Zebra SSI, CMD_ACK', name: 'negated-sum16', bytes: '04d00400', value: 0xff28 },
  { user: 'MDB', name: 'sum8', bytes: '130000000001', value: 0x14 },
  { user: 'ECR "0800" and ETX', name: 'lrc', bytes: '3038303003', value: 0x0b },
] as const

t.test('the check values of the catalogue', async t => {
  const digits = new TextEncoder().encode('123456789')
  for (const name of CHECKSUM_NAMES) t.equal(checksum(name, digits), CHECK_VALUES[name], name)
})

t.test('examples of terminals', async t => {
  for (const { user, name, bytes, value } of TERMINAL_EXAMPLES)
    t.equal(checksum(name, fromHex(bytes)), value, user)
})

t.test('a value fits the bytes it is said to take', async t => {
  const input = Uint8Array.from({ length: 256 }, (_, index) => index)
  for (const name of CHECKSUM_NAMES) {
    const values = Array.from(input.keys(), size => checksum(name, input.subarray(0, size)))
    const limit = 256 ** CHECKSUM_BYTES[name]
    t.same(
      values.filter(value => !Number.isInteger(value) || value < 0 || value >= limit),
      [],
      name,
    )
  }
})
