import t from 'tap'
import { concatBytes } from '../../../gateway/core/bytes.js'
import { systemClock } from '../../../gateway/core/clock.js'
import { NullModem } from '../../../gateway/line/transport/null-modem.js'
import { Reader, type Rig, transportContract } from '../../contract/transport.js'

const signal = new AbortController().signal

async function createRig(): Promise<Rig> {
  const modem = new NullModem({ clock: systemClock })
  const [transport, device] = modem.ends
  const received: Uint8Array[] = []
  let far = await device.connect(signal)
  const listen = async (): Promise<void> => {
    for await (const { bytes } of far) received.push(bytes)
  }
  let listening = listen()
  return {
    transport,
    connect: () => transport.connect(signal),
    send: bytes => void far.write(bytes),
    received: () => concatBytes(received),
    lose: () => modem.cut(),
    restore: async () => {
      modem.cut()
      await listening.catch(() => undefined) // It was just cut.
      far = await device.connect(signal)
      listening = listen()
    },
    dispose: async () => {
      await far.close()
      await listening.catch(() => undefined) // The test may have cut it.
    },
  }
}

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
