import t from 'tap'
import { concatBytes, fromHex, toHex } from '../../../gateway/core/bytes.js'
import { createFramer, encodeFrame, framingSchema } from '../../../gateway/line/framing/catalog.js'
import { framerContract } from '../../contract/framer.js'

const maxFrameBytes = 48

const VARIANTS = {
  'start, BCD length, end, LRC': {
    start: '02',
    lengthBytes: 2,
    encoding: 'bcd',
    end: '03',
    checksum: 'lrc',
  },
  'start, little-endian length, CRC over all': {
    start: '02',
    lengthBytes: 2,
    endian: 'little',
    checksum: 'CRC-16/UMTS',
    checksumFrom: 'start',
  },
  'two bytes of start, a length that counts itself': {
    start: '55aa',
    lengthBytes: 1,
    adjust: -1,
    checksum: 'CRC-16/MODBUS',
    checksumEndian: 'little',
    checksumFrom: 'payload',
  },
  'text: decimal length, end, sum of the payload in hexadecimal, CR LF': {
    start: '23',
    lengthBytes: 3,
    encoding: 'decimal',
    end: '2a',
    checksum: 'sum8',
    checksumEncoding: 'hex',
    checksumFrom: 'payload',
    checksumTo: 'payload',
    tail: '0d0a',
  },
  'text: hexadecimal length, CRC in hexadecimal': {
    start: '3a',
    lengthBytes: 2,
    encoding: 'hex',
    checksum: 'CRC-16/MODBUS',
    checksumEncoding: 'hex',
  },
  'a length and nothing else': { lengthBytes: 1, checksum: 'none' },
} as const

/** Full of bytes that start frames: inside a broken frame, each is tried for a frame. */
const DENSE = ['a1b2c3', '0255aa03', '31', '020002000200', 'e0'.repeat(9)]
/** One such trial in 256 passes an XOR: where nothing else protects, these hold no start. */
const SPARSE = ['a1b2c3', '31323334', '30', '41'.repeat(9)]

for (const [name, variant] of Object.entries(VARIANTS)) {
  const options = framingSchema.parse({ type: 'length-prefixed', ...variant, maxFrameBytes })
  t.test(name, async t => {
    framerContract(t, {
      createFramer: () => createFramer(options),
      encode: payload => encodeFrame(options, payload),
      payloads: (variant.checksum === 'lrc' ? SPARSE : DENSE).map(fromHex),
      maxFrameBytes,
      detectsCorruption: variant.checksum !== 'none',
      isEndedBySilence: false,
      alphabet: Uint8Array.of(0x02, 0x00, 0x03, 0x55, 0xaa, 0x05, 0x41),
      floods: ['02', '55', '55aa', '0200', '02000c', '0220', '55aa20', '00', '20', 'ff'].map(
        fromHex,
      ),
    })
  })
}

t.test('frames of public sources', async t => {
  // From Zzzzipper (MIT): InpasCrcTest.cpp and VendotekPacketLayerTest.cpp.
  const inpas = framingSchema.parse({
    type: 'length-prefixed',
    ...VARIANTS['start, little-endian length, CRC over all'],
  })
  t.equal(toHex(encodeFrame(inpas, fromHex('1902003231'))), '0205001902003231a5c2')
  const vendotek = framingSchema.parse({
    type: 'length-prefixed',
    start: '1f',
    lengthBytes: 2,
    checksum: 'CRC-16/IBM-3740',
    checksumFrom: 'start',
  })
  const payload = '96fb010349444c03083030303030303030'
  t.equal(toHex(encodeFrame(vendotek, fromHex(payload))), `1f0011${payload}10f8`)
})

t.test('a good frame behind a length that promises too much comes out at the silence', async t => {
  const options = framingSchema.parse({
    type: 'length-prefixed',
    start: '02',
    lengthBytes: 1,
    checksum: 'lrc',
  })
  const good = encodeFrame(options, fromHex('414243'))
  const framer = createFramer(options)
  t.same(framer.push(concatBytes([fromHex('02f0'), good])), [])
  t.match(framer.idle(), [{ reason: 'idle' }, { reason: 'noise' }, { type: 'frame', raw: good }])
})

t.test('a field that holds no BCD digits is no length', async t => {
  const options = { type: 'length-prefixed', start: '02', lengthBytes: 1, encoding: 'bcd' }
  const framer = createFramer(framingSchema.parse(options))
  t.match(framer.push(fromHex('020a')), [
    { type: 'discarded', reason: 'noise' },
    { reason: 'noise' },
  ])
})
