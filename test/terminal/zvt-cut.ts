import type { Test } from 'tap'
import { systemClock } from '../../gateway/core/clock.js'
import { NullModem } from '../../gateway/line/transport/null-modem.js'
import { counter, openShop, paid, typesOf, type Wire } from './zvt-shop.js'

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

/** Whatever is lost with the line, HQ and terminal count the same, and the till sold no other. */
export async function cutEverywhere(
  t: Test,
  { wire, keepsUnanswered }: { readonly wire: Wire; readonly keepsUnanswered: boolean },
): Promise<void> {
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
}
