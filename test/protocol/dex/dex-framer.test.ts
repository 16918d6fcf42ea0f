import t from 'tap'
import { concatBytes, fromHex, toHex } from '../../../gateway/core/bytes.js'
import { encodeBlock } from '../../../gateway/protocol/dex/dex-frame.js'
import { DexFramer } from '../../../gateway/protocol/dex/dex-framer.js'
import { framerContract } from '../../contract/framer.js'

const maxFrameBytes = 48
const payloads = ['05', '0231313117', '1031', '0145504803', '04', '0203', '103b', '15'].map(fromHex)

/** A payload as the framer gives it, back on the line. */
function encode(payload: Uint8Array): Uint8Array {
  const [first] = payload
  if (first !== 1 && first !== 2) return payload
  const [start, last] = [first === 1 ? 'SOH' : 'STX', payload.at(-1) === 3] as const
  return encodeBlock({ start, data: payload.subarray(1, -1), last })
}

framerContract(t, {
  createFramer: () => new DexFramer(maxFrameBytes),
  encode,
  payloads,
  maxFrameBytes,
  // A changed marker makes another control, which has no checksum: see below for blocks.
  detectsCorruption: false,
  isEndedBySilence: false,
  alphabet: Uint8Array.of(0x10, 0x10, 0x01, 0x02, 0x03, 0x05, 0x16, 0x17, 0x30, 0x41),
  floods: ['10', '1002', '1016', '100210', '100216', '1002411016', '41', '1030', '05'].map(fromHex),
})

function read(hex: string): readonly string[] {
  const framer = new DexFramer(maxFrameBytes)
  return [...framer.push(fromHex(hex)), ...framer.idle()].map(output =>
    output.type === 'frame' ? toHex(output.payload) : output.reason,
  )
}

t.test('the CRC covers the data and the closing byte, without DLEs and fillers', async t => {
  // Zzzzipper/projects, DexServerTest.cpp.
  t.same(read('1002313131313110177348'), ['02313131313117'])
  t.same(read('1016100231101631313110163110177348'), ['noise', '02313131313117'])
})

t.test('a damaged block is one piece: no byte of it passes for a control', async t => {
  const block = encode(fromHex('023131313131313117'))
  const alive: string[] = []
  for (const at of block.keys())
    for (const bit of [0, 1, 2, 3, 4, 5, 6, 7]) {
      const damaged = Uint8Array.from(block)
      damaged[at] = (damaged[at] ?? 0) ^ (1 << bit)
      const framer = new DexFramer(maxFrameBytes)
      for (const output of [...framer.push(damaged), ...framer.idle()])
        if (output.type === 'frame') alive.push(`${at}: ${toHex(output.payload)}`)
    }
  // The markers are under no checksum: `10 02` may become `10 0x` or a control of its own.
  t.same(
    alive.filter(line => !/^[01]: /.test(line)),
    [],
  )
})

t.test('what a lost CRC byte costs is its own block', async t => {
  const good = encode(fromHex('0232323203'))
  const cut = encode(fromHex('0231313117')).subarray(0, -1)
  t.same(read(toHex(concatBytes([cut, good]))), ['checksum', '0232323203'])
})
