import t, { type Test } from 'tap'
import { concatBytes, fromHex, toHex } from '../../gateway/core/bytes.js'
import { systemClock } from '../../gateway/core/clock.js'
import { NullModem } from '../../gateway/line/transport/null-modem.js'
import type { TerminalLine } from '../../gateway/simulator/stop-and-wait.js'
import { journalIn } from '../journal/open.js'
import { until } from '../support/until.js'
import { eventsOf, lineOf, newFolder, startZvt, typesOf, zvtDialect } from './zvt-shop.js'

const PAY = '06010a04000000002040490978'
const OK = '800000'
const DONE = '060f00'
const PRINT = '06d1020041'
const WAIT = '849c00'
const REFUSED = '846600'
const ABORTED = '061e0105'

/** A status of 20.40 EUR: only its numbers differ. */
function status(number: number): string {
  const digits = String(number).padStart(4, '0')
  return `040f1f2700040000000020404909780b00${digits}0c2239530d10062928004869870${digits.slice(1)}`
}

async function overhear(t: Test) {
  const journal = await journalIn(newFolder())
  const modem = new NullModem({ clock: systemClock })
  const heard: Uint8Array[] = []
  const line: TerminalLine = lineOf(await modem.ends[1].connect(new AbortController().signal))
  line.onData(bytes => heard.push(bytes))
  const dialect = await zvtDialect('tap-tcp')
  const session = startZvt(t, { dialect, transport: modem.ends[0], journal })
  await until('connected', async () =>
    (await eventsOf(journal)).some(({ type }) => type === 'terminal.connected'),
  )
  t.teardown(async () => {
    await session.stop()
    await journal.close()
  })
  const say = (...apdus: readonly string[]) => line.write(fromHex(apdus.join('')))
  const becomes = (types: readonly string[]) =>
    until(types.join(), async () => (await typesOf(journal)).join() === types.join())
  return { journal, session, say, becomes, said: () => toHex(concatBytes(heard)) }
}

t.test('a payment counts once the till has answered its status', async t => {
  const { say, becomes, said, session } = await overhear(t)
  await say(PAY, OK)
  await becomes(['payment.started'])
  await say(status(470), OK, PRINT, OK, DONE, OK)
  await becomes(['payment.started', 'payment.approved'])
  t.equal(said(), '', 'who overhears says nothing')
  t.match(await session.command('authorise', { amountMinor: 1 }), { reason: 'unsupported' })
})

t.test('what the till puts off, or refuses, is not paid', async t => {
  const { say, becomes } = await overhear(t)
  await say(PAY, OK, status(1), WAIT, status(1), REFUSED, ABORTED, OK)
  await becomes(['payment.started', 'payment.declined'])
  await say(PAY, REFUSED)
  await say(PAY, OK, status(2), WAIT, status(2), OK, DONE, OK)
  await becomes(['payment.started', 'payment.declined', 'payment.started', 'payment.approved'])
})

t.test('a payment that is aborted behind its status is taken back', async t => {
  const { say, becomes } = await overhear(t)
  await say(PAY, OK, status(3), OK, PRINT, '84cc00', ABORTED, OK)
  await becomes(['payment.started', 'payment.approved', 'payment.reversed'])
})

t.test('a payment nobody heard the end of is in doubt', async t => {
  const { say, becomes, journal } = await overhear(t)
  await say(PAY, OK, PAY, OK, status(4), OK, DONE, OK)
  await becomes(['payment.started', 'payment.unknown', 'payment.started', 'payment.approved'])
  await say(status(5), OK)
  await until('a status without its command is rejected', async () =>
    (await eventsOf(journal)).some(({ type }) => type === 'frame.rejected'),
  )
})
