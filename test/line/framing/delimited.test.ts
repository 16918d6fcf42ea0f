import t from 'tap'
import { fromHex } from '../../../gateway/core/bytes.js'
import { createFramer, encodeFrame, framingSchema } from '../../../gateway/line/framing/catalog.js'
import type { FramerOutput } from '../../../gateway/line/framing/framer.js'
import { framerContract } from '../../contract/framer.js'

const text = (characters: string): Uint8Array => new TextEncoder().encode(characters)
const maxFrameBytes = 32

const VARIANTS = {
  'CR LF as one': { delimiters: '0d0a' },
  'CR or LF': { delimiters: ['0d', '0a'] },
  'STX to CR': { delimiters: '0d', start: '02' },
  'EOT STX to ETX': { delimiters: '03', start: '0402' },
  'between $ and *, its sum in hexadecimal': {
    delimiters: '0d0a',
    start: '24',
    end: '2a',
    checksum: 'sum8',
    checksumEncoding: 'hex-lower',
    checksumTo: 'payload',
  },
  'a CRC over all, no mark': {
    delimiters: '0d',
    start: '3c',
    checksum: 'CRC-16/XMODEM',
    checksumFrom: 'start',
    checksumEndian: 'little',
  },
  'a long delimiter': { delimiters: ['0d0d0a', '1e'] },
} as const

for (const [name, variant] of Object.entries(VARIANTS)) {
  const options = framingSchema.parse({ type: 'delimited', ...variant, maxFrameBytes })
  t.test(name, async t => {
    framerContract(t, {
      createFramer: () => createFramer(options),
      encode: payload => encodeFrame(options, payload),
      payloads: ['4006381333931', 'S S     12.345 kg', 'x'].map(text),
      maxFrameBytes,
      detectsCorruption: 'checksum' in variant,
      isEndedBySilence: false,
      alphabet: Uint8Array.of(0x0d, 0x0a, 0x02, 0x03, 0x04, 0x1e, 0x24, 0x2a, 0x30, 0x41),
      floods: ['41', '0d', '0a0d', '02', '0402', '0241', '04', '0d0d', '0d41'].map(fromHex),
    })
  })
}

const lines = (outputs: readonly FramerOutput[]): readonly string[] =>
  outputs.map(output =>
    output.type === 'frame' ? new TextDecoder().decode(output.payload) : output.reason,
  )

t.test('CR LF is one terminator, however it is configured and cut', async t => {
  for (const delimiters of ['0d0a', ['0d', '0a']]) {
    const framer = createFramer(framingSchema.parse({ type: 'delimited', delimiters }))
    const outputs = ['one\r', '\ntwo\r\n', 'three\r', '\n'].flatMap(part => framer.push(text(part)))
    t.same(
      lines(outputs).filter(line => line !== 'noise'),
      ['one', 'two', 'three'],
    )
  }
})

t.test('a lone CR is data where CR LF is the terminator', async t => {
  const framer = createFramer(framingSchema.parse({ type: 'delimited', delimiters: '0d0a' }))
  t.same(lines(framer.push(text('a\rb\r\n'))), ['a\rb'])
})

t.test('the end of a line that was too long is no line of its own', async t => {
  const framer = createFramer(
    framingSchema.parse({ type: 'delimited', delimiters: '0d', maxFrameBytes: 8 }),
  )
  const outputs = ['0123456', '789012345\r', 'next\r'].flatMap(part => framer.push(text(part)))
  t.same([...new Set(lines(outputs))], ['too-long', 'next'])
})

t.test('after a silence a line begins anew, also behind one that was too long', async t => {
  const framer = createFramer(
    framingSchema.parse({ type: 'delimited', delimiters: '0d', maxFrameBytes: 8 }),
  )
  framer.push(text('0123456789'))
  t.ok(framer.bufferedBytes > 0, 'so that its owner notices the silence')
  framer.idle()
  t.same(lines(framer.push(text('next\r'))), ['next'])
})

t.test('with a start, what is too long is searched for the next', async t => {
  const options = { type: 'delimited', delimiters: '0d', start: '02', maxFrameBytes: 8 }
  const framer = createFramer(framingSchema.parse(options))
  const outputs = framer.push(text('\x02123456789\r\x02ok\r'))
  t.same([...new Set(lines(outputs))], ['too-long', 'noise', 'ok'])
})

t.test('delimiters that begin with each other are refused', async t => {
  const parsed = framingSchema.safeParse({ type: 'delimited', delimiters: ['0d', '0D0A'] })
  t.match(parsed.error?.issues, [{ path: ['delimiters'] }])
})
