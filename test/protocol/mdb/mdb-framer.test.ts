import t from 'tap'
import { fromHex, toHex } from '../../../gateway/core/bytes.js'
import { markedBytes } from '../../../gateway/protocol/mdb/mdb-frame.js'
import { MAX_MDB_FRAME_BYTES, MdbFramer } from '../../../gateway/protocol/mdb/mdb-framer.js'
import { framerContract } from '../../contract/framer.js'

function encode(payload: Uint8Array): Uint8Array {
  return markedBytes(payload[0] === 1 ? 'vmc' : 'peripheral', payload.subarray(1))
}

framerContract(t, {
  createFramer: () => new MdbFramer(),
  encode,
  payloads: ['011010', '0000', '00034e20ff70', '011212', '0005000a0f', '01130200061b'].map(fromHex),
  maxFrameBytes: MAX_MDB_FRAME_BYTES,
  detectsCorruption: false,
  isEndedBySilence: false,
  alphabet: Uint8Array.of(0xff, 0xff, 0x00, 0x00, 0x13, 0x12, 0x01),
  floods: ['ff', 'ff00', 'ffff', '13', 'ff0013', 'ff001300', 'ff00ff', '00'].map(fromHex),
})

function read(hex: string): readonly string[] {
  const framer = new MdbFramer()
  return [...framer.push(fromHex(hex)), ...framer.idle()].map(output =>
    output.type === 'frame' ? toHex(output.payload) : output.reason,
  )
}

t.test('the ninth bit tells both sides apart', async t => {
  t.same(read('ff001010'), ['011010'], 'an address first: the controller')
  t.same(read('00ff0000'), ['000000'], 'just reset: data and checksum')
  t.same(read('ff0000'), ['0000'], 'a single 00 is ACK')
  t.same(read('00ff001212'), ['0100', '011212'], 'the controller’s ACK, and its next message')
  t.same(read('034e20ffffff0070'), ['00034e20ff70'], 'FF is written twice')
  t.same(read('00'), ['0100'])
})

t.test('a command is as long as the specification says, whatever its bytes add up to', async t => {
  // The third byte is the sum of the two before it: 13 00 13 is no message.
  t.same(read('ff001300130000062c'), ['01130013000006' + '2c'])
  t.notMatch(read('ff00130000').join(), /0113/, 'a vend that is cut off')
})

t.test('what is nobody’s message costs itself alone', async t => {
  t.same(read('ff001011ff001212').slice(-1), ['011212'])
  t.same(read('034e21ff0070ff001212').slice(-1), ['011212'])
})
