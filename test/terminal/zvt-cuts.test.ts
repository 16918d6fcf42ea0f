import t, { type Test } from 'tap'
import { systemClock } from '../../gateway/core/clock.js'
import { NullModem } from '../../gateway/line/transport/null-modem.js'
import { journalIn } from '../journal/open.js'
import { until } from '../support/until.js'
import {
  attach,
  counter,
  newFolder,
  openShop,
  paid,
  startZvt,
  typesOf,
  type Wire,
  zvtDialect,
} from './zvt-shop.js'

/** The line is lost with the n-th thing that is said on it after the first payment. */
async function cutAt(t: Test, options: { wire: Wire; keepsUnanswered: boolean; step: number }) {
  const { wire, keepsUnanswered, step } = options
  const at = counter({ keepsUnanswered })
  let said = Number.NEGATIVE_INFINITY
  let cut = (): void => undefined
  const modem = new NullModem({
    clock: systemClock,
    split: bytes => {
      said += 1
      if (said !== step) return [bytes]
      cut()
      return []
    },
  })
  const shop = await openShop(t, { wire, at, modem })
  cut = shop.cut
  await shop.session.command('authorise', { amountMinor: 1250 })
  said = 0
  const outcome = await shop.session.command('authorise', { amountMinor: 1250 })
  const isDone = said < step
  await shop.session.ready()
  const { atHq, atTerminal } = await paid(shop.journal, at)
  const types = await typesOf(shop.journal)
  await shop.session.stop()
  return { outcome, atHq, atTerminal, types, isDone }
}

for (const wire of ['tcp', 'serial'] as const)
  for (const keepsUnanswered of wire === 'tcp' ? [true, false] : [true]) {
    const rule = keepsUnanswered ? 'keeps' : 'takes back'
    t.test(`${wire}: cut at every step, a terminal that ${rule} what was not answered`, async t => {
      let step = 1
      for (; step < 60; step += 1) {
        const { outcome, atHq, atTerminal, types, isDone } = await cutAt(t, {
          wire,
          keepsUnanswered,
          step,
        })
        t.equal(atHq, atTerminal, `step ${step}: ${types.join(' ')}, ${JSON.stringify(outcome)}`)
        t.equal(types.filter(type => type === 'payment.started').length <= 2, true)
        if (outcome.type === 'successful') t.equal(atTerminal, 2, 'what the till sold was paid')
        else if (outcome.reason === 'rejected') t.equal(atTerminal, 1, 'what was not, was not')
        if (isDone) break
      }
      t.ok(step > 5 && step < 60, `${step} steps`)
    })
  }

t.test('a gateway that is restarted in the middle asks before anything else', async t => {
  for (const hangs of ['before-answer', 'before-status', 'after-status'] as const) {
    const at = counter()
    const journal = await journalIn(newFolder())
    const modem = new NullModem({ clock: systemClock })
    const cut = await attach(modem, 'tcp', at)
    const dialect = await zvtDialect('ecr-tcp')
    const start = () => startZvt(t, { dialect, transport: modem.ends[0], journal })
    const first = start()
    await first.ready()
    at.behaviours.push({ hangs })
    const outcome = first.command('authorise', { amountMinor: 1250 })
    await until('it was asked for', async () =>
      (await typesOf(journal)).includes('payment.started'),
    )
    if (hangs !== 'before-answer')
      await until('the card was taken', () => at.memory.transactions.length === 1)
    cut()
    await first.stop()
    t.match(await outcome, { type: 'failed', reason: 'unknown' })
    const second = start()
    await second.ready()
    const { atHq, atTerminal } = await paid(journal, at)
    t.equal(atHq, atTerminal, `${hangs}: ${(await typesOf(journal)).join(' ')}`)
    await second.stop()
    await journal.close()
  }
})
