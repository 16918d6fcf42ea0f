import t from 'tap'
import { fromHex, toHex } from '../../../gateway/core/bytes.js'
import { ApduFramer } from '../../../gateway/protocol/zvt/apdu-framer.js'
import { encodeSerial, SerialFramer } from '../../../gateway/protocol/zvt/serial-framer.js'
import { framerContract } from '../../contract/framer.js'

const MAX_BYTES = 48
const PAYLOADS = [
  '800000',
  '06010a04000000011010490978',
  '040f022700',
  '06d1080010101003100210',
  '04ff010a',
].map(fromHex)

t.test('on a serial line', async t => {
  framerContract(t, {
    createFramer: () => new SerialFramer(MAX_BYTES),
    encode: encodeSerial,
    payloads: PAYLOADS,
    maxFrameBytes: MAX_BYTES,
    detectsCorruption: true,
    isEndedBySilence: false,
    alphabet: fromHex('1002030615800601'),
    floods: ['10', '1002', '100206', '1003', '06', '10021002'].map(fromHex),
  })
})

t.test('over TCP', async t => {
  framerContract(t, {
    createFramer: () => new ApduFramer(MAX_BYTES),
    encode: apdu => apdu,
    payloads: PAYLOADS,
    maxFrameBytes: MAX_BYTES,
    detectsCorruption: false,
    isEndedBySilence: false,
    alphabet: fromHex('0406800f84ff0010'),
    floods: ['06', '06ff', '0601ffffff', '00', '800000', '06d1fe'].map(fromHex),
  })
})

/** What comes out, and why what does not. */
function framed(hex: string): readonly string[] {
  const framer = new SerialFramer()
  return [...framer.push(fromHex(hex)), ...framer.idle()].map(output =>
    output.type === 'frame' ? toHex(output.payload) : output.reason,
  )
}

t.test('the acknowledgements of a receiver are frames of their own', async t => {
  const answer = toHex(encodeSerial(fromHex('800000')))
  t.strictSame(framed(`06${answer}15`), ['06', '800000', '15'])
})

t.test('what is left of a broken frame acknowledges nothing', async t => {
  const broken = '100206010a0401001003ffff'
  t.notOk(framed(broken).includes('06'))
  const command = toHex(encodeSerial(fromHex('060100')))
  t.strictSame(framed(`${broken}${command}06`).slice(-2), ['060100', '06'])
})

t.test('half an APDU is thrown away whole at a silence', async t => {
  const framer = new ApduFramer()
  t.strictSame(framer.push(fromHex('06d118402a2a040f022700')), [])
  const [output, ...others] = framer.idle()
  t.match(output, { type: 'discarded', reason: 'idle' })
  t.equal(others.length, 0)
})
