import t, { type Test } from 'tap'
import { resolveDialects, type Spoken } from '../../gateway/composition/dialects.js'
import { type Clock, systemClock } from '../../gateway/core/clock.js'
import { LIMITS } from '../../gateway/core/limits.js'
import type { Journal } from '../../gateway/journal/journal.js'
import { NullModem } from '../../gateway/line/transport/null-modem.js'
import { loadRegistry } from '../../gateway/profile/registry.js'
import { journalIn } from '../journal/open.js'
import { shopOf } from '../support/machine.js'
import { until } from '../support/until.js'
import {
  attach,
  counter,
  eventsOf,
  newFolder,
  startZvt,
  typesOf,
  type Wire,
  type ZvtSession,
} from './zvt-shop.js'

const LINES = {
  serial: 'profile: zvt/terminal-serial, line: { serial: { path: /dev/none } }',
  tcp: 'profile: zvt/terminal, line: { tcp: { host: 127.0.0.1, port: 20007 } }',
}

/** A terminal of the configuration that does not say which software it runs. */
async function spokenOn(wire: Wire): Promise<Spoken> {
  const registry = await loadRegistry({ extraFolders: [] })
  if (!registry.ok) throw new Error(registry.error.join('\n'))
  const shop = shopOf(`terminals: [ { id: zvt-1, ${LINES[wire]} } ]`)
  const [spoken] = resolveDialects(shop, registry.value)
  if (spoken === undefined) throw new RangeError('no terminal')
  return spoken
}

async function start(
  t: Test,
  options: { readonly wire: Wire; readonly modem: NullModem; readonly clock?: Clock },
): Promise<{ readonly session: ZvtSession; readonly journal: Journal }> {
  const { wire, modem, clock = systemClock } = options
  const journal = await journalIn(newFolder())
  t.teardown(() => journal.close())
  const { dialect, identify } = await spokenOn(wire)
  if (identify === undefined) throw new RangeError('it is to be asked')
  const [transport] = modem.ends
  const session = startZvt(t, { dialect, transport, journal, own: { identify, clock } })
  return { session, journal }
}

const identifiedIn = async (journal: Journal) =>
  (await eventsOf(journal)).find(({ type }) => type === 'terminal.identified')

for (const wire of ['serial', 'tcp'] as const)
  t.test(`${wire}: a terminal says which software it runs, and is paid with`, async t => {
    const modem = new NullModem({ clock: systemClock })
    await attach(modem, wire, counter())
    const { session, journal } = await start(t, { wire, modem })
    await session.ready()
    t.match(await identifiedIn(journal), {
      data: { firmware: '2.0.9', by: 'query', dialect: `zvt/ecr-${wire}@1` },
    })
    t.match(await session.command('authorise', { amountMinor: 1250 }), { type: 'successful' })
    t.strictSame(await typesOf(journal), ['payment.started', 'payment.approved'])
  })

t.test('one that was off when its line opened is asked again, though it says nothing', async t => {
  const modem = new NullModem({ clock: systemClock })
  let aheadMs = 0
  let askAgain: (() => void) | undefined
  const clock: Clock = {
    ...systemClock,
    monotonicMs: () => systemClock.monotonicMs() + aheadMs,
    after: (ms, run) => {
      if (ms !== LIMITS.identifySilentMs) return systemClock.after(ms / 20, run)
      askAgain = run
      return () => undefined
    },
  }
  const { session, journal } = await start(t, { wire: 'serial', modem, clock })
  await until('it was asked in vain', () => askAgain !== undefined)
  await attach(modem, 'serial', counter())
  aheadMs = LIMITS.identifySilentMs
  askAgain?.()
  await session.ready()
  t.match(await identifiedIn(journal), { data: { firmware: '2.0.9' } })
})
