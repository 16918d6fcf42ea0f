import t from 'tap'
import { fromHex, toHex } from '../../../gateway/core/bytes.js'
import { createFramer, encodeFrame, framingSchema } from '../../../gateway/line/framing/catalog.js'
import { framerContract } from '../../contract/framer.js'

const maxFrameBytes = 32
const modbus = framingSchema.parse({
  type: 'idle-gap',
  checksum: 'CRC-16/MODBUS',
  checksumEndian: 'little',
  maxFrameBytes,
})

for (const [name, options] of Object.entries({
  modbus,
  'without checksum': framingSchema.parse({ type: 'idle-gap', maxFrameBytes }),
}))
  t.test(name, async t => {
    framerContract(t, {
      createFramer: () => createFramer(options),
      encode: payload => encodeFrame(options, payload),
      payloads: ['1103006b0003', '118302', '00', 'ff'.repeat(20)].map(fromHex),
      maxFrameBytes,
      detectsCorruption: options === modbus,
      isEndedBySilence: true,
      alphabet: Uint8Array.of(0x00, 0x11, 0xff),
      floods: ['00', '1103'].map(fromHex),
    })
  })

t.test('the frames of a public source', async t => {
  // From pymodbus (BSD), test/framer/test_framer.py.
  t.equal(toHex(encodeFrame(modbus, fromHex('1103007c0002'))), '1103007c00020743')
  t.equal(toHex(encodeFrame(modbus, fromHex('118302'))), '118302c134')
})

t.test('what is too long is too long to its end', async t => {
  const framer = createFramer(modbus)
  const outputs = [
    ...framer.push(new Uint8Array(40)),
    ...framer.push(encodeFrame(modbus, fromHex('118302'))),
    ...framer.idle(),
  ]
  t.match(outputs, [{ reason: 'too-long' }, { reason: 'too-long' }, { reason: 'too-long' }])
  framer.push(encodeFrame(modbus, fromHex('118302')))
  t.match(framer.idle(), [{ type: 'frame' }], 'and the next frame is a frame')
})

t.test('fewer bytes than a checksum are noise', async t => {
  const framer = createFramer(modbus)
  framer.push(Uint8Array.of(0xff, 0xff))
  t.match(framer.idle(), [{ type: 'discarded', reason: 'noise' }])
})
