import t from 'tap'
import { concatBytes } from '../../../gateway/core/bytes.js'
import { checksum } from '../../../gateway/line/checksum/catalog.js'
import { HoneywellFramer } from '../../../gateway/protocol/scanner/honeywell.js'
import { prefixed, SsiFramer } from '../../../gateway/protocol/scanner/ssi-packet.js'
import { framerContract } from '../../contract/framer.js'

/** Opcode, source, status, data. */
const PACKETS = [
  [0xf3, 0, 0, 0x0b, 0x31, 0x32],
  [0xd0, 0, 0x80],
  [0xf6, 0, 0, 0x20],
  [0xf3, 0, 1, 0x0a, 0x41, 0x42, 0x43, 0x44],
].map(bytes => Uint8Array.from(bytes))

function packetOf(payload: Uint8Array): Uint8Array {
  const body = concatBytes([Uint8Array.of(payload.length + 1), payload])
  const sum = checksum('negated-sum16', body)
  return concatBytes([body, Uint8Array.of(sum >>> 8, sum & 0xff)])
}

for (const transport of ['serial', 'ble'] as const)
  t.test(`SSI, ${transport}`, async t => {
    framerContract(t, {
      createFramer: () => new SsiFramer(transport),
      encode: payload => (transport === 'ble' ? prefixed(packetOf(payload)) : packetOf(payload)),
      payloads: PACKETS,
      maxFrameBytes: 259,
      // A length that was hit may reach beyond the next packet: that one waits for silence.
      detectsCorruption: false,
      isEndedBySilence: false,
      alphabet: Uint8Array.of(0x04, 0xd0, 0x00, 0xff, 0xf3, 0x08, 0x05),
      floods: [[0x04], [0xff], [0x08, 0x00, 0x04], [0x05, 0xf3]].map(bytes =>
        Uint8Array.from(bytes),
      ),
    })
  })

t.test('Honeywell', async t => {
  const header = Buffer.from('\x16\xfe\0\0\0\0\rMSGGET', 'latin1')
  framerContract(t, {
    createFramer: () => new HoneywellFramer(64),
    encode: payload => {
      const length = String(payload.length - 3).padStart(4, '0')
      return concatBytes([header, Buffer.from(length), payload, Uint8Array.of(0x0d)])
    },
    payloads: ['dE0\x1d9999999999999', 'IC1\x1d01', 'sQ1\x1dTES\rTING', 'sQ1\x1d'].map(text =>
      Buffer.from(text, 'latin1'),
    ),
    maxFrameBytes: 64,
    detectsCorruption: false,
    isEndedBySilence: false,
    alphabet: Buffer.from('\x16\xfe\rMSGET01\x1d', 'latin1'),
    floods: ['\x16', '\x16\xfe\0\0\0\0\r', '\x16\xfe\0\0\0\0\rMSGGET0042dE0\x1d'].map(text =>
      Buffer.from(text, 'latin1'),
    ),
  })
})
