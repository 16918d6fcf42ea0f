import t from 'tap'
import { PacketMeter } from '../../gateway/core/packet-meter.js'
import { seededRandom } from '../../gateway/core/random.js'

/** A packet of type PUBLISH with so many bytes behind its fixed header. */
function packet(length: number): Buffer {
  const header = [0x30]
  let rest = length
  do {
    header.push((rest % 128) | (rest >= 128 ? 0x80 : 0))
    rest = Math.floor(rest / 128)
  } while (rest > 0)
  return Buffer.concat([Buffer.from(header), Buffer.alloc(length, 0xff)])
}

/** Feeds the bytes in pieces; the index of the byte at which the meter objected, or -1. */
function objectedAt(bytes: Buffer, options: { maxBytes: number; pieces: readonly number[] }) {
  const meter = new PacketMeter(options.maxBytes)
  let offset = 0
  for (const size of options.pieces) {
    if (meter.push(bytes.subarray(offset, offset + size)) !== 'ok') return offset
    offset += size
  }
  return meter.push(bytes.subarray(offset)) === 'ok' ? -1 : offset
}

t.test('lengths of one to four bytes, at the limit and beyond it, byte by byte', async t => {
  for (const length of [0, 1, 127, 128, 16_383, 16_384, 20_000]) {
    const bytes = packet(length)
    const pieces = Array.from(bytes, () => 1)
    t.equal(objectedAt(bytes, { maxBytes: length, pieces }), -1, `${length} of ${length}`)
    if (length > 0)
      t.ok(objectedAt(bytes, { maxBytes: length - 1, pieces }) < 5, 'known from the header')
  }
})

t.test('any chunking of many packets sees the same', async t => {
  const seed = 20_261_122
  t.comment(`seed ${seed}`)
  const random = seededRandom(seed)
  const below = (bound: number): number => Math.floor(random.unit() * bound)
  for (let round = 0; round < 200; round += 1) {
    const sizes = Array.from({ length: 10 }, () => below(400))
    const bytes = Buffer.concat(sizes.map(packet))
    const pieces = Array.from({ length: 30 }, () => below(200))
    const isFine = objectedAt(bytes, { maxBytes: 300, pieces }) === -1
    if (isFine !== sizes.every(size => size <= 300)) t.fail(`round ${round}: ${sizes} / ${pieces}`)
  }
  t.pass('200 rounds')
})

t.test('a length without end is malformed', async t => {
  const meter = new PacketMeter(2 ** 30)
  t.equal(meter.push(Uint8Array.of(0x30, 0x80, 0x80, 0x80, 0x80)), 'malformed')
})
