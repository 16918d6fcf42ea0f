import t from 'tap'
import { concatBytes } from '../../../gateway/core/bytes.js'
import { lrc } from '../../../gateway/line/checksum/lrc.js'
import {
  createProtocol,
  type ProtocolOptions,
  protocolSchema,
} from '../../../gateway/protocol/catalog.js'
import { type FramerSuite, framerContract } from '../../contract/framer.js'

const latin1 = (text: string): Uint8Array => Buffer.from(text, 'latin1')

/** A control character may stand for a whole message: what becomes one by damage is not noticed. */
type Framed = Pick<FramerSuite, 'encode' | 'payloads' | 'maxFrameBytes' | 'alphabet'> & {
  readonly type: ProtocolOptions['type']
}

const FRAMINGS: readonly Framed[] = [
  {
    type: 'cas-tedc1',
    encode: data =>
      data.length === 1
        ? data
        : concatBytes([latin1('\x01\x02'), data, Uint8Array.of(lrc(data), 3, 4)]),
    payloads: ['S 00.735kg', '\x06', 'U 01.000lb', 'SFFFFFFFkg', '\x15'].map(latin1),
    maxFrameBytes: 15,
    alphabet: latin1('\x01\x02\x03\x04\x06\x15S'),
  },
  {
    type: 'tec',
    encode: data =>
      data.length === 1 ? data : concatBytes([latin1('\x02'), data, Uint8Array.of(lrc(data), 3)]),
    payloads: ['A00735', '\x06', 'B12345', '\x07', '\x7f00000'].map(latin1),
    maxFrameBytes: 9,
    alphabet: latin1('\x02\x03\x06\x07\x7fA0'),
  },
  {
    type: 'nci-ecr',
    encode: text => (text[1] === 0x3f ? text : concatBytes([text, latin1('\x03')])),
    payloads: ['\n00.735KG\r\nS00\r', '\nS20\r', '\n?\r', '\n01.000LB\r\n10\r'].map(latin1),
    maxFrameBytes: 24,
    alphabet: latin1('\n\r\x03S?0'),
  },
  {
    type: 'dialog-06',
    encode: text =>
      text.length === 1 ? text : concatBytes([latin1('\x02'), text, latin1('\x03')]),
    payloads: ['02\x1b3\x1b00735\x1b000199\x1b000146', '\x06', '09\x1b20', '\x04', '\x05'].map(
      latin1,
    ),
    maxFrameBytes: 64,
    alphabet: latin1('\x02\x03\x04\x05\x06\x15\x1b0'),
  },
]

for (const { type, ...framed } of FRAMINGS)
  t.test(type, async t => {
    const protocol = createProtocol(protocolSchema.parse({ type }))
    framerContract(t, {
      ...framed,
      createFramer: () => protocol.createFramer(),
      detectsCorruption: false,
      isEndedBySilence: false,
      floods: [...framed.alphabet].map(byte => Uint8Array.of(byte)),
    })
  })

t.test('the XOR of a CAS scale may be ETX: it is found by its place', async t => {
  const data = latin1('S ........\x00\x00'.slice(0, 10))
  const wanted = 0x03
  data[9] = (data[9] ?? 0) ^ lrc(data) ^ wanted
  const frame = concatBytes([latin1('\x01\x02'), data, Uint8Array.of(wanted, 3, 4)])
  const protocol = createProtocol(protocolSchema.parse({ type: 'cas-tedc1' }))
  t.match(protocol.createFramer().push(frame), [{ type: 'frame', payload: data }])
})
