import t from 'tap'
import { escPosSchema } from '../../../gateway/protocol/esc-pos/esc-pos.js'
import { type Printout, readPrintout } from '../../../gateway/protocol/esc-pos/printout.js'

function printed(latin1: string, options: Readonly<Record<string, unknown>> = {}): Printout {
  const bytes = Uint8Array.from(Buffer.from(latin1, 'latin1'))
  return readPrintout(bytes, escPosSchema.parse({ type: 'esc-pos', ...options }))
}

const lines = (latin1: string, options?: Readonly<Record<string, unknown>>): readonly string[] =>
  printed(latin1, options).lines.map(({ text }) => text)

t.test('ends of lines', async t => {
  t.strictSame(lines('a\nb\r\nc\rd\r\r\ne'), ['a', 'b', 'c', 'd', 'e'])
  t.strictSame(lines('a\n\nb\r\n\r\nc'), ['a', '', 'b', '', 'c'])
  t.strictSame(lines('a\x1bd\x03b\x1bJ\x10c'), ['a', '', '', 'b', 'c'])
  t.strictSame(lines('a\tb  '), ['a       b'])
})

t.test('arguments never become text', async t => {
  const commands = [
    '\x1b!1',
    '\x1b-1',
    '\x1ba1',
    '\x1b$12',
    '\x1bp0<x',
    '\x1bc31',
    '\x1bD123\x00',
    '\x1bW12345678',
    '\x1b*\x21\x01\x00abc',
    '\x1b&\x03AA\x01abc',
    '\x1b(A\x02\x0001',
    '\x1d!1',
    '\x1dL12',
    '\x1dV1',
    '\x1dVA0',
    '\x1d*\x01\x01abcdefgh',
    '\x1d(L\x06\x000E  11',
    '\x1d8L\x02\x00\x00\x0001',
    '\x1cS12',
    '\x1cp11',
    '\x1cq\x01\x01\x00\x01\x00abcdefgh',
    '\x10\x04\x07\x01',
    '\x10\x14\x01\x00\x01',
    '\x10\x05\x02',
  ]
  for (const command of commands) {
    const { lines, warnings } = printed(`${command}x`)
    t.strictSame(
      [lines.map(({ text }) => text).join(''), warnings],
      ['x', 0],
      JSON.stringify(command),
    )
  }
})

t.test('of a command that is cut off at the end nothing becomes text', async t => {
  for (const rest of ['\x1dVA', '\x1bE', '\x1dkC\x0d4006', '\x1dv0\x00\x01\x00\x01\x00', '\x1d']) {
    const { lines, warnings } = printed(`a\n${rest}`)
    t.strictSame([lines.map(({ text }) => text), warnings], [['a'], 1], JSON.stringify(rest))
  }
})

t.test('what nobody knows is skipped, and counted', async t => {
  const unknown = printed('A\x01\x1bZB\x1dZC\x1cOD')
  t.strictSame([unknown.lines.map(({ text }) => text), unknown.warnings], [['ABCD'], 4])
  t.equal(printed('A\x1b').warnings, 1)
  t.equal(printed('\x1dVA').warnings, 1)
  t.equal(printed('\x1dk\x0212').warnings, 1, 'a code without an end')
  t.equal(printed('\x1d(k\x03\x001Q0').warnings, 1, 'a symbol that was not stored')
})

t.test('code pages', async t => {
  t.strictSame(lines('\x94\x81'), ['öü'], 'CP437 comes first')
  t.strictSame(lines('\x1bt\x10\xe9\x1b@\x82'), ['é', 'é'], 'ESC @ returns to it')
  t.strictSame(lines('\x1bt\x10\x80\x1b!\x00\x80'), ['€€'], 'a style does not')
  t.strictSame(lines('\x1bt\x05\x8f', { codePages: { 5: 'cp866' } }), ['П'])
  t.strictSame(lines('\x1bt\x07a\xff'), ['a\ufffd'], 'an unknown table prints no character')
  t.strictSame(lines('\x1bt\x01\xb1\xb2'), ['ｱｲ'])
  t.strictSame(lines('\x1bR\x02[\\]'), ['ÄÖÜ'], 'the German set')
  t.strictSame(lines('\x1c&\xca\xbe\xc0\xfd!\x1c.\x81'), ['示例!ü'], 'GB18030, then CP437')
  t.strictSame(lines('\xe2\x82\xac'), ['€'], 'UTF-8 that nobody announced')
  t.strictSame(lines('\x1bt\x02\xe2\x82\xac'), ['Ôé¼'], 'but not once a page was selected')
})

t.test('page mode', async t => {
  t.strictSame(lines('\x1bLpage\n\x0cafter'), ['page', 'after'])
  t.strictSame(lines('before\n\x1bLpage\n\x18\x0cafter'), ['before', 'after'])
  t.strictSame(lines('\x1bLpage\x1bSafter'), ['after'])
})

t.test('codes, images, drawers and bells', async t => {
  const { codes, images, drawers, buzzes, requests } = printed(
    [
      '\x1dkC\x0c400638133393',
      '\x1d(k\x08\x001P0\x00\x01abc\x1d(k\x03\x001Q0',
      '\x1d(k\x06\x000P0abc\x1d(k\x03\x000Q0',
      '\x1d(L\x0b\x000p0\x01\x011\x09\x00\x01\x00\x80\x1d(L\x02\x0002',
      '\x1dv0\x00\x01\x00\x02\x00ab',
      '\x1bp1<x\x10\x14\x01\x00\x01',
      '\x07\x1b(A\x03\x00\x01\x01\x01',
      '\x10\x04\x01\x1dr1\x1da\xff\x1da\x00',
    ].join(''),
  )
  t.strictSame(
    codes.map(({ symbology, data }) => [symbology, data]),
    [
      ['EAN13', '400638133393'],
      ['QR Code', '\\x00\\x01abc'],
      ['PDF417', 'abc'],
    ],
  )
  t.strictSame(images, [
    { widthBytes: 2, height: 1 },
    { widthBytes: 1, height: 2 },
  ])
  t.strictSame(drawers, [1, 0])
  t.strictSame(buzzes, { bell: 1, buzzer: 1 })
  t.strictSame(
    requests.map(({ command }) => command),
    ['DLE EOT 1', 'GS r 1', 'GS a 255'],
  )
})
