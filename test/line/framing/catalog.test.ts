import t from 'tap'
import { fromHex } from '../../../gateway/core/bytes.js'
import { encodeFrame, framingSchema } from '../../../gateway/line/framing/catalog.js'

const UNFRAMEABLE = [
  { why: 'an ETX in the payload', framing: { type: 'stx-etx', checksum: 'lrc' }, payload: '4103' },
  { why: 'an STX in the payload', framing: { type: 'stx-etx', checksum: 'lrc' }, payload: '4102' },
  { why: 'its delimiter', framing: { type: 'delimited', delimiters: '0d0a' }, payload: '410d0a42' },
  { why: 'no byte of text', framing: { type: 'delimited', delimiters: '0d' }, payload: '' },
  {
    why: 'a payload whose end makes a delimiter with the delimiter',
    framing: { type: 'delimited', delimiters: '0d0a0d' },
    payload: '0d0a',
  },
  {
    why: 'more than the length can say',
    framing: { type: 'length-prefixed', lengthBytes: 1, encoding: 'bcd' },
    payload: '41'.repeat(100),
  },
  {
    why: 'a frame above the limit',
    framing: { type: 'stx-etx', dle: true, checksum: 'lrc', maxFrameBytes: 16 },
    payload: '10'.repeat(6),
  },
  { why: 'nothing to precede a silence', framing: { type: 'idle-gap' }, payload: '' },
]

for (const { why, framing, payload } of UNFRAMEABLE)
  t.test(`what cannot be framed is refused: ${why}`, async t => {
    t.throws(() => encodeFrame(framingSchema.parse(framing), fromHex(payload)), RangeError)
  })

t.test(
  'a profile must name the checksum of an STX/ETX framing, also where there is none',
  async t => {
    t.notOk(framingSchema.safeParse({ type: 'stx-etx' }).success)
    t.ok(framingSchema.safeParse({ type: 'stx-etx', checksum: 'none' }).success)
  },
)

t.test('a frame has a limit, and the limit has one', async t => {
  const framing = { type: 'stx-etx', checksum: 'none' }
  t.notOk(framingSchema.safeParse({ ...framing, maxFrameBytes: 64 * 1024 + 1 }).success)
  t.equal(framingSchema.parse(framing).maxFrameBytes, 4096)
})
