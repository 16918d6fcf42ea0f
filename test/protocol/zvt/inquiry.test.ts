import t from 'tap'
import { concatBytes, fromHex, toHex } from '../../../gateway/core/bytes.js'
import { zvtInquiry } from '../../../gateway/protocol/zvt/inquiry.js'
import { encodeSerial } from '../../../gateway/protocol/zvt/serial-framer.js'

const TAKEN = '800000'
// EVerest/zvt, zvt/data/1680728219.054216000_pt_ecr.blob: shortened to the version and the status.
const COMPLETED =
  '060f2cf0f4f04745522d4150502d76322e302e393b635330322e30312e30312d31302e31302d322d323b4343323600'
const VERSION = 'GER-APP-v2.0.9;cS02.01.01-10.10-2-2;CC26'
const STATUS = '040f022700'

const asked = (line: 'serial' | 'tcp') => zvtInquiry({ line, password: '000000', withinMs: 1000 })

t.test('on TCP the answer and the completion may come in one read, behind a status', async t => {
  const inquiry = asked('tcp')
  t.equal(toHex(inquiry.request), '050103000000')
  const heard = fromHex(STATUS + TAKEN + COMPLETED)
  t.strictSame(inquiry.answer(heard), { from: 5, to: 8, reply: new Uint8Array(0) })
  const rest = fromHex(STATUS + COMPLETED)
  const { reply, ...found } = inquiry.answer(rest) ?? {}
  t.strictSame(found, { from: 5, to: rest.length, firmware: VERSION })
  t.equal(toHex(reply ?? new Uint8Array(0)), TAKEN)
  for (let size = 0; size < rest.length; size += 1)
    t.equal(inquiry.answer(rest.subarray(0, size)), undefined)
})

t.test('on a serial line each frame is acknowledged', async t => {
  const inquiry = asked('serial')
  t.equal(toHex(inquiry.request), toHex(encodeSerial(fromHex('050103000000'))))
  const ack = Uint8Array.of(6)
  const taken = encodeSerial(fromHex(TAKEN))
  t.strictSame(inquiry.answer(concatBytes([ack, taken])), { from: 0, to: 1 })
  t.strictSame(inquiry.answer(taken), { from: 0, to: taken.length, reply: ack })
  const completed = encodeSerial(fromHex(COMPLETED))
  const found = inquiry.answer(completed)
  t.match(found, { from: 0, to: completed.length, firmware: VERSION })
  t.equal(toHex(found?.reply ?? new Uint8Array(0)), toHex(concatBytes([ack, taken])))
})

t.test('a version may stand in a container or in columns, or nowhere', async t => {
  const firmwareIn = (hex: string): string | undefined =>
    asked('tcp').answer(fromHex(hex))?.firmware
  t.equal(firmwareIn('060f0a0006071f4104322e3137'), '2.17')
  t.equal(firmwareIn('060f0100'), undefined)
  t.match(asked('tcp').answer(fromHex('061e0183')), { from: 0, to: 4 }, 'an abort is answered')
})
