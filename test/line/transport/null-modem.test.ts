import t from 'tap'
import { systemClock } from '../../../gateway/core/clock.js'
import { NullModem } from '../../../gateway/line/transport/null-modem.js'
import { Reader, transportContract } from '../../contract/transport.js'
import { createRig } from '../../support/null-modem-rig.js'

const signal = new AbortController().signal

transportContract(t, createRig)

t.test('writes arrive in the pieces asked for', async t => {
  const split = (bytes: Uint8Array): readonly Uint8Array[] =>
    [...bytes].map(byte => Uint8Array.of(byte))
  const [near, far] = new NullModem({ clock: systemClock, split }).ends
  const [writer, connection] = [await near.connect(signal), await far.connect(signal)]
  const reader = new Reader(connection)
  await writer.write(Uint8Array.of(1, 2, 3))
  await connection.close()
  t.equal(await reader.end, 'ended')
  t.equal(reader.times.length, 3)
  t.same(reader.bytes, Uint8Array.of(1, 2, 3))
})

t.test('what is sent to an end that is not open is gone', async t => {
  const [near, far] = new NullModem({ clock: systemClock }).ends
  const writer = await near.connect(signal)
  await writer.write(Uint8Array.of(1))
  const connection = await far.connect(signal)
  const reader = new Reader(connection)
  await writer.write(Uint8Array.of(2))
  await connection.close()
  await reader.end
  t.same(reader.bytes, Uint8Array.of(2))
})

t.test('an end that is open is busy', async t => {
  const [near] = new NullModem({ clock: systemClock }).ends
  await near.connect(signal)
  await t.rejects(near.connect(signal), { code: 'TB_LINE_BUSY' })
})
