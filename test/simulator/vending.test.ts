import { join } from 'node:path'
import t, { type Test } from 'tap'
import { systemClock } from '../../gateway/core/clock.js'
import type { Event } from '../../gateway/event/event.js'
import type { Journal } from '../../gateway/journal/journal.js'
import { SerialPortTransport } from '../../gateway/line/transport/serial-port.js'
import { loadRegistry } from '../../gateway/profile/registry.js'
import {
  openSimulatedTerminal,
  profileOf,
  type TerminalKind,
} from '../../gateway/simulator/simulated-terminal.js'
import type { Ingest } from '../../gateway/terminal/ingest.js'
import { journalIn } from '../journal/open.js'
import { until } from '../support/until.js'
import { type SessionUnderTest, startSession } from '../terminal/shop.js'

/** The terminal on a pseudo-terminal, and a session that has opened it as its serial port. */
async function plugIn(
  t: Test,
  kind: TerminalKind,
  options: { readonly perMinute: number; readonly ingest?: (journal: Journal) => Ingest },
): Promise<SessionUnderTest> {
  const { perMinute, ...given } = options
  const registry = await loadRegistry({ extraFolders: [] })
  if (!registry.ok) throw new Error(registry.error.join('\n'))
  const folder = t.testdir()
  const journal = await journalIn(join(folder, 'journal'))
  t.teardown(() => journal.close())
  const link = join(folder, 'port')
  const made = { id: 'terminal-1', kind, link, perMinute, seed: 3, timeZone: 'Europe/Berlin' }
  const terminal = openSimulatedTerminal(made, registry.value)
  const stop = new AbortController()
  const running = terminal.run(stop.signal)
  t.teardown(async () => {
    stop.abort()
    await running
  })
  const dialect = registry.value.dialectOf(profileOf(kind))
  if (!dialect.ok) throw dialect.error
  const transport = new SerialPortTransport({
    path: link,
    ...dialect.value.line,
    clock: systemClock,
  })
  return startSession(t, { ...profileOf(kind), ...given, transport, journal })
}

async function eventsOf(shop: SessionUnderTest, type: Event['type']): Promise<readonly Event[]> {
  return (await shop.events()).filter(event => event.type === type)
}

function isSound(event: Event | undefined): boolean {
  if (event?.type !== 'vending.audited') return false
  const { products, paidMinor, tendersAddUp, segmentsAddUp } = event.data
  const sum = products.reduce((total, { amountMinor = 0 }) => total + amountMinor, 0)
  return sum === paidMinor && tendersAddUp === true && segmentsAddUp === true
}

t.test('a machine that waits is audited, also by a slow journal, and again on command', async t => {
  let isSlow = true
  const meanwhile: ReturnType<SessionUnderTest['session']['command']>[] = []
  const shop = await plugIn(
    t,
    { type: 'vending', calls: false },
    {
      perMinute: 60,
      ingest: journal => async events => {
        const isAudit = events.some(({ type }) => type === 'vending.audited')
        // Longer than the machine waits before it asks for its answer.
        if (isAudit && isSlow) await systemClock.sleep(2600)
        if (isAudit && isSlow) meanwhile.push(command('c1'))
        if (isAudit) isSlow = false
        await journal.append(events)
        return { type: 'journaled' }
      },
    },
  )
  const command = (id: string) => shop.session.command({ id, verb: 'audit', values: {} })
  await until('audited', () => shop.session.status.eventsTotal === 1)
  const [early] = await Promise.all(meanwhile)
  t.match(early, { type: 'failed', reason: 'rejected' }, 'its session is not over')
  await until('audited again', async () => (await command('c2')).type === 'successful')
  const audits = await eventsOf(shop, 'vending.audited')
  t.equal(audits.length, 2, 'each is there once')
  t.ok(audits.every(isSound), 'products add up to what was paid')
  t.match(audits[0], { subject: 'SIM0000001', data: { currency: 'EUR', model: 'SIMULATED' } })
  t.equal(shop.session.status.rejectedTotal, 0)
})

t.test('a machine that calls is answered', async t => {
  const shop = await plugIn(t, { type: 'vending', calls: true }, { perMinute: 600 })
  await until('audited', () => shop.session.status.eventsTotal >= 2)
  t.ok((await eventsOf(shop, 'vending.audited')).every(isSound))
})

t.test('coins are credited once each, behind the host’s own echo', async t => {
  const shop = await plugIn(t, { type: 'coins' }, { perMinute: 300 })
  await until('credited', () => shop.session.status.eventsTotal >= 5)
  await shop.stop()
  const counters = (await eventsOf(shop, 'payment.approved')).map(event =>
    event.type === 'payment.approved' ? Number(event.data.traceNumber) : 0,
  )
  t.same(
    counters,
    [...new Set(counters)].sort((one, other) => one - other),
  )
  t.equal(shop.session.status.rejectedTotal, 0)
})
