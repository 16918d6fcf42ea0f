import t from 'tap'
import { concatBytes, fromHex, toHex } from '../../../gateway/core/bytes.js'
import { EscPosFramer } from '../../../gateway/protocol/esc-pos/framer.js'
import { framerContract } from '../../contract/framer.js'

const bytes = (latin1: string): Uint8Array => Uint8Array.from(Buffer.from(latin1, 'latin1'))
const CUT = '\x1dV\x00'

t.test('contract', async t => {
  framerContract(t, {
    createFramer: () => new EscPosFramer({ maxReceiptBytes: 96 }),
    encode: payload => payload,
    payloads: [
      bytes(`\x1b@Bread 2.50\n${CUT}`),
      bytes(`\x1dk\x02400638133393\x00\x1bp0<xMilk 1.20\n\x1bi`),
      bytes(`\x1dv0\x00\x02\x00\x02\x00\x1dV\x00\x1bTotal 3.70\r\n\x1dVA\x03`),
    ],
    maxFrameBytes: 96,
    detectsCorruption: false,
    isEndedBySilence: false,
    alphabet: fromHex('000a0d1b1c1d1056706b284c76302a26447120413100ff0303'),
    floods: ['00', '41', '1b', '1d56', '1d6b02', '1b26ff20ff', '1d284cffff', '1b44', '1c71ff'].map(
      fromHex,
    ),
  })
})

function pieces(framer: EscPosFramer, stream: string): readonly string[] {
  return framer.push(bytes(stream)).map(({ raw }) => Buffer.from(raw).toString('latin1'))
}

t.test('a cut inside the data of an image, a code or a pulse is none', async t => {
  const framer = new EscPosFramer({ maxReceiptBytes: 1000 })
  const hidden = [
    '\x1dv0\x00\x03\x00\x01\x00\x1dV\x00',
    '\x1d(k\x06\x001P0\x1dV\x00',
    '\x1dkI\x03\x1dV\x00',
    '\x1b*\x00\x03\x00\x1dV\x00',
    '\x1d8L\x03\x00\x00\x00\x1dV\x00',
    '\x1c!\x1d',
    '\x1bp0\x1dV',
  ].join('')
  t.strictSame(pieces(framer, `a${hidden}b`), [])
  t.strictSame(pieces(framer, CUT), [`a${hidden}b${CUT}`])
})

t.test('a pulse before anything is printed is a frame of its own', async t => {
  const framer = new EscPosFramer({ maxReceiptBytes: 1000 })
  t.strictSame(pieces(framer, `one\n${CUT}\x1b@\x1bp0<xtwo\n${CUT}`), [
    `one\n${CUT}`,
    '\x1b@\x1bp0<x',
    `two\n${CUT}`,
  ])
  t.strictSame(pieces(framer, `\x1bE\x01three\x1bp0<x\n${CUT}`).length, 1)
})

t.test('a footer ends a receipt that no cutter ends', async t => {
  const framer = new EscPosFramer({ maxReceiptBytes: 1000, footer: 'Thank you' })
  t.strictSame(pieces(framer, 'one\n** Tha'), [])
  t.strictSame(pieces(framer, 'nk you **\ntwo\n'), ['one\n** Thank you **\n'])
  t.equal(framer.bufferedBytes, 4)
})

t.test('a receipt that is too long costs itself and not the next one', async t => {
  const framer = new EscPosFramer({ maxReceiptBytes: 40 })
  const outputs = framer.push(concatBytes([bytes('x'.repeat(100)), bytes(`\n${CUT}good\n${CUT}`)]))
  t.strictSame(
    outputs.map(({ type }) => type),
    ['discarded', 'discarded', 'frame'].slice(-outputs.length),
  )
  t.equal(toHex(outputs.at(-1)?.raw ?? bytes('')), toHex(bytes(`good\n${CUT}`)))
})
