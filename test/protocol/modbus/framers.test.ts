import t from 'tap'
import { concatBytes, fromHex, toHex } from '../../../gateway/core/bytes.js'
import { sealAscii, sealRtu } from '../../../gateway/protocol/modbus/adu.js'
import { AsciiFramer } from '../../../gateway/protocol/modbus/ascii-framer.js'
import { RtuFramer } from '../../../gateway/protocol/modbus/rtu-framer.js'
import { framerContract } from '../../contract/framer.js'

/** Of unit 17: registers, an exception, a written register, coils, a device's name. */
const REPLIES = [
  '110304008d008e',
  '118302',
  '1106000a0102',
  '110103cd6b05',
  '112b0e0101000001000456454e44',
]
const REQUESTS = [
  '1103007c0002',
  '11100001000204000a0102',
  '110f0013000a02cd01',
  '112b0e0100',
  '1117000300060000000102aabb',
]
const FLOODS = ['11', '1103fa', '112b0e0101000001'].map(fromHex)
const ALPHABET = Uint8Array.of(0x11, 0x03, 0x02, 0x2b, 0x0e, 0x00, 0x83, 0x06)

const common = { isEndedBySilence: false, detectsCorruption: true, alphabet: ALPHABET } as const

t.test('RTU, as the one who asks hears it', async t => {
  framerContract(t, {
    ...common,
    createFramer: () => new RtuFramer({ hears: 'replies' }),
    encode: sealRtu,
    payloads: REPLIES.map(fromHex),
    maxFrameBytes: 512,
    floods: FLOODS,
  })
})

t.test('RTU, as a device hears it', async t => {
  framerContract(t, {
    ...common,
    createFramer: () => new RtuFramer({ hears: 'requests' }),
    encode: sealRtu,
    payloads: REQUESTS.map(fromHex),
    maxFrameBytes: 512,
    floods: FLOODS,
  })
})

t.test('ASCII', async t => {
  framerContract(t, {
    ...common,
    createFramer: () => new AsciiFramer(),
    encode: sealAscii,
    payloads: REPLIES.map(fromHex),
    maxFrameBytes: 513,
    alphabet: Buffer.from(':0123AF\r\n'),
    floods: [':', ':11\r\n', '1'].map(text => Buffer.from(text)),
  })
})

function framesOf(framer: RtuFramer, hex: string): readonly string[] {
  const outputs = [...framer.push(fromHex(hex)), ...framer.idle()]
  return outputs.flatMap(output => (output.type === 'frame' ? [toHex(output.payload)] : []))
}

t.test('a question that the adapter hears, too, comes with its answer', async t => {
  const framer = () => new RtuFramer({ hears: 'replies' })
  const [question, answer] = ['010400000002', '01040443663334']
  const both = toHex(concatBytes([question, answer].map(hex => sealRtu(fromHex(hex)))))
  t.same(framesOf(framer(), both), [question + answer])
  t.same(framesOf(framer(), both.slice(0, 16)), [question], 'alone where no answer comes')
  const other = toHex(sealRtu(fromHex('020402000a')))
  t.same(framesOf(framer(), both.slice(0, 16) + other), [question, '020402000a'])
})

t.test('of one device alone: what others say is noise', async t => {
  const [own, other] = ['110304008d008e', '120304008d008e'].map(hex => toHex(sealRtu(fromHex(hex))))
  const framer = new RtuFramer({ hears: 'replies', unit: 0x11 })
  t.same(framesOf(framer, `${other}${own}`), ['110304008d008e'])
})

t.test('a claimed length takes no good frame with it', async t => {
  // An answer that is cut, and claims 250 bytes more: the good ones behind it come out at silence.
  const good = toHex(sealRtu(fromHex('110304008d008e')))
  const framer = new RtuFramer({ hears: 'replies' })
  t.same(framesOf(framer, `1103fa0001${good}${good}`), ['110304008d008e', '110304008d008e'])
})

t.test('an answer that begins like an exception is none', async t => {
  const payload = '11030483028302'
  t.same(framesOf(new RtuFramer({ hears: 'replies' }), toHex(sealRtu(fromHex(payload)))), [payload])
})
