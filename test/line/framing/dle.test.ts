import t from 'tap'
import { concatBytes, fromHex, toHex } from '../../../gateway/core/bytes.js'
import { createFramer, encodeFrame, framingSchema } from '../../../gateway/line/framing/catalog.js'
import { framerContract } from '../../contract/framer.js'

const maxFrameBytes = 48
const zvt = framingSchema.parse({
  type: 'stx-etx',
  dle: true,
  checksum: 'CRC-16/KERMIT',
  checksumEndian: 'little',
  maxFrameBytes,
})

framerContract(t, {
  createFramer: () => createFramer(zvt),
  encode: payload => encodeFrame(zvt, payload),
  payloads: ['800000', '0601101000021003', '10', '10101002', 'd1ff1003', '02'].map(fromHex),
  maxFrameBytes,
  detectsCorruption: true,
  isEndedBySilence: false,
  alphabet: Uint8Array.of(0x10, 0x10, 0x02, 0x03, 0x41),
  floods: ['10', '02', '1002', '101002', '1003', '100210', '1002101010', '41', '100241'].map(
    fromHex,
  ),
})

t.test('the CRC covers the payload before doubling, and the ETX', async t => {
  // ZVT 13.08, serial transmission: the positive acknowledgement.
  t.equal(toHex(encodeFrame(zvt, fromHex('800000'))), '10028000001003f51f')
  t.equal(toHex(encodeFrame(zvt, fromHex('0110'))).slice(0, -4), '1002011010' + '1003')
})

t.test('a frame that stops behind a DLE does not take the next with it', async t => {
  const frame = encodeFrame(zvt, fromHex('800000'))
  const cut = fromHex('1002414210')
  const outputs = createFramer(zvt).push(concatBytes([cut, frame]))
  t.same(
    outputs.filter(output => output.type === 'frame').map(output => toHex(output.raw)),
    [toHex(frame)],
  )
})

t.test('a stuffing error is a broken frame, not noise', async t => {
  const outputs = createFramer(zvt).push(fromHex('1002411041'))
  t.match(outputs[0], { type: 'discarded', reason: 'checksum', raw: Uint8Array.of(0x10) })
})
