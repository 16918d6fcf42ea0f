import t from 'tap'
import { fromHex, toHex } from '../../../gateway/core/bytes.js'
import {
  type CctalkChecksum,
  CctalkFramer,
  encodePacket,
  MAX_PACKET_BYTES,
  readPacket,
} from '../../../gateway/protocol/cctalk/cctalk-packet.js'
import { framerContract } from '../../contract/framer.js'

const PACKETS = [
  { destination: 2, source: 1, header: 242, data: fromHex('') },
  { destination: 1, source: 2, header: 0, data: fromHex('4e61bc') },
  { destination: 40, source: 1, header: 231, data: fromHex('ffff') },
]

for (const kind of ['sum', 'crc'] as const)
  t.test(kind, async t => {
    framerContract(t, {
      createFramer: () => new CctalkFramer(kind),
      encode: payload => payload,
      payloads: PACKETS.map(packet => encodePacket(packet, kind)),
      maxFrameBytes: MAX_PACKET_BYTES,
      // A changed length makes a packet wait for what never comes: the silence between them tells.
      detectsCorruption: false,
      isEndedBySilence: false,
      alphabet: Uint8Array.of(0x00, 0x00, 0x01, 0x02, 0xff, 0x05),
      floods: (kind === 'sum' ? ['00', 'ff', '0100', '010b'] : ['ff']).map(fromHex),
    })
  })

function read(hex: string, kind: CctalkChecksum): readonly string[] {
  const framer = new CctalkFramer(kind)
  return [...framer.push(fromHex(hex)), ...framer.idle()].map(output =>
    output.type === 'frame' ? toHex(output.payload) : output.reason,
  )
}

t.test('the examples of the specification', async t => {
  const poll = { destination: 40, source: 1, header: 254, data: fromHex('') }
  t.equal(toHex(encodePacket(poll, 'sum')), '280001fed9')
  t.equal(toHex(encodePacket({ ...poll, header: 1 }, 'crc')), '280046013f')
  t.same(read('280001fed9', 'sum'), ['280001fed9'])
  t.match(readPacket(fromHex('280046013f'), 'crc'), { destination: 40, header: 1 })
})

t.test('zeros are no packets', async t => {
  t.notOk(read('0000000000', 'sum').includes('0000000000'))
  t.notOk(read('0000000000', 'crc').includes('0000000000'))
})
