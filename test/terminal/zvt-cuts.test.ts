import t from 'tap'
import { systemClock } from '../../gateway/core/clock.js'
import { NullModem } from '../../gateway/line/transport/null-modem.js'
import { journalIn } from '../journal/open.js'
import { until } from '../support/until.js'
import { cutEverywhere } from './zvt-cut.js'
import { attach, counter, newFolder, paid, startZvt, typesOf, zvtDialect } from './zvt-shop.js'

t.test('cut at every step, a terminal that keeps what was not answered', t =>
  cutEverywhere(t, { wire: 'tcp', keepsUnanswered: true }),
)

t.test('cut at every step, a terminal that takes back what was not answered', t =>
  cutEverywhere(t, { wire: 'tcp', keepsUnanswered: false }),
)

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
