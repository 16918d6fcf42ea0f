import t from 'tap'
import { concatBytes, fromHex, toHex } from '../../../gateway/core/bytes.js'
import { createFramer, encodeFrame, framingSchema } from '../../../gateway/line/framing/catalog.js'
import { framerContract } from '../../contract/framer.js'

const text = (characters: string): Uint8Array => new TextEncoder().encode(characters)
const maxFrameBytes = 48

for (const checksum of ['lrc', 'CRC-16/XMODEM', 'none'] as const) {
  const options = framingSchema.parse({ type: 'stx-etx', checksum, maxFrameBytes })
  t.test(`stx-etx with checksum ${checksum}`, async t => {
    framerContract(t, {
      createFramer: () => createFramer(options),
      encode: payload => encodeFrame(options, payload),
      // An LRC is blind to a byte that becomes an ETX where the next one happens to be the XOR of
      // what stood before: these texts hold no such place. (A text of one byte always does.)
      payloads: ['0200|1990|A', 'SALE', '0260|ok', 'OK'].map(text),
      maxFrameBytes,
      detectsCorruption: checksum !== 'none',
      isEndedBySilence: false,
      alphabet: Uint8Array.of(0x02, 0x03, 0x30, 0x41),
      floods: ['02', '0203', '03', '41', '0241', `02${'41'.repeat(40)}`].map(fromHex),
    })
  })
}

t.test('a checksum in text over the STX and not the ETX, and a line end behind it', async t => {
  const options = framingSchema.parse({
    type: 'stx-etx',
    checksum: 'negated-sum8',
    checksumEncoding: 'hex',
    checksumFrom: 'start',
    checksumTo: 'payload',
    tail: '0d',
    maxFrameBytes,
  })
  // 02 + 41 + 42 = 85, and 7B to make it 00.
  const frame = Buffer.from('\x02AB\x037B\r')
  t.equal(toHex(encodeFrame(options, text('AB'))), toHex(frame))
  t.match(createFramer(options).push(frame), [{ payload: text('AB'), raw: frame }])
  t.match(createFramer(options).push(Buffer.from('\x02AB\x037b\r')), [{ reason: 'checksum' }, {}])
  framerContract(t, {
    createFramer: () => createFramer(options),
    encode: payload => encodeFrame(options, payload),
    payloads: ['0200|1990|A', 'SALE', '0260|ok', 'OK'].map(text),
    maxFrameBytes,
    detectsCorruption: true,
    isEndedBySilence: false,
    alphabet: Uint8Array.of(0x02, 0x03, 0x0d, 0x30, 0x41),
    floods: ['02', '0203', '03', '41', '0241', '02033030'].map(fromHex),
  })
})

const lrc = framingSchema.parse({ type: 'stx-etx', checksum: 'lrc', maxFrameBytes })

t.test('the LRC covers the ETX and not the STX', async t => {
  // From transbank-pos-sdk-c (BSD), test/test_transbank_serial_utils.c.
  t.equal(toHex(encodeFrame(lrc, text('0800'))), '0230383030030b')
})

t.test('two frames whose first lost its ETX are not one', async t => {
  const [first, second] = ['AB', 'AB'].map(payload => encodeFrame(lrc, text(payload)))
  const broken = concatBytes([
    first?.subarray(0, 3) ?? first ?? Uint8Array.of(),
    second ?? Uint8Array.of(),
  ])
  const outputs = createFramer(lrc).push(broken)
  t.same(
    outputs.map(output => [output.type, toHex(output.raw)]),
    [
      ['discarded', '024142'],
      ['frame', toHex(second ?? Uint8Array.of())],
    ],
  )
})

t.test('an LRC that looks like a marker is an LRC', async t => {
  for (const payload of [[0x01], [0x41, 0x41], [0x41, 0x40]].map(bytes => Uint8Array.from(bytes))) {
    const frame = encodeFrame(lrc, payload)
    t.match(createFramer(lrc).push(concatBytes([frame, frame])), [{ payload }, { payload }])
  }
})
