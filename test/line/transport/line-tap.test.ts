import t from 'tap'
import { concatBytes } from '../../../gateway/core/bytes.js'
import { systemClock } from '../../../gateway/core/clock.js'
import { LineTap, type PassedBytes } from '../../../gateway/line/transport/line-tap.js'
import { NullModem } from '../../../gateway/line/transport/null-modem.js'
import { Reader, transportContract } from '../../contract/transport.js'
import { createRig } from '../../support/null-modem-rig.js'
import { until } from '../../support/until.js'

const { signal } = new AbortController()
const bytes = (text: string): Uint8Array => Buffer.from(text)

transportContract(t, async () => {
  const rig = await createRig()
  const transport = new LineTap(systemClock).wrap(rig.transport)
  return { ...rig, transport, connect: () => transport.connect(signal) }
})

async function tapped() {
  const modem = new NullModem({ clock: systemClock })
  const [near, far] = modem.ends
  const tap = new LineTap(systemClock)
  const device = await far.connect(signal)
  return { modem, tap, transport: tap.wrap(near), device }
}

t.test('who listens hears both directions; what passed is counted', async t => {
  const { tap, transport, device } = await tapped()
  const passed: PassedBytes[] = []
  const connection = await transport.connect(signal)
  t.ok(tap.activity.openSinceMs !== undefined)
  const reader = new Reader(connection)
  await device.write(bytes('before'))
  await until('read', () => reader.bytes.length === 6)
  const stop = tap.listen(one => passed.push(one))
  await device.write(bytes('sale'))
  await until('read', () => reader.bytes.length === 10)
  await connection.write(bytes('ACK'))
  stop()
  await connection.write(bytes('more'))
  const said = (from: string) =>
    Buffer.from(
      concatBytes(passed.filter(one => one.from === from).map(one => one.bytes)),
    ).toString()
  t.equal(said('terminal'), 'sale')
  t.equal(said('host'), 'ACK')
  t.equal(Buffer.from(tap.recent).toString(), 'beforesale')
  t.match(tap.activity, { heardBytes: 10, writtenBytes: 7 })
  await connection.close()
  t.equal(tap.activity.openSinceMs, undefined)
})

t.test('a line that is lent is closed, kept from its session, and given back', async t => {
  const { tap, transport } = await tapped()
  const connection = await transport.connect(signal)
  const reader = new Reader(connection)
  let release = (): void => undefined
  const lent = tap.lend(
    () =>
      new Promise<string>(resolve => {
        release = () => resolve('done')
      }),
  )
  t.equal(await reader.end, 'ended', 'as if the session had closed it')
  await t.rejects(
    tap.lend(async () => undefined),
    { code: 'TB_LINE_BUSY' },
  )
  let isOpen = false
  const again = transport.connect(signal).then(opened => {
    isOpen = true
    return opened
  })
  await new Promise(resolve => setImmediate(resolve))
  t.notOk(isOpen)
  release()
  t.equal(await lent, 'done')
  await (await again).close()
  await t.rejects(
    tap.lend(() => Promise.reject(new Error('broken'))),
    { message: 'broken' },
  )
  await (await transport.connect(signal)).close()
})
