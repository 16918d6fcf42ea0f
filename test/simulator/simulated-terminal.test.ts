import { join } from 'node:path'
import { SerialPort } from 'serialport'
import t, { type Test } from 'tap'
import { systemClock } from '../../gateway/core/clock.js'
import { storeId, terminalId } from '../../gateway/core/ids.js'
import { systemRandom } from '../../gateway/core/random.js'
import type { Event } from '../../gateway/event/event.js'
import type { Dialect } from '../../gateway/profile/dialect.js'
import { loadRegistry, type ProfileRegistry } from '../../gateway/profile/registry.js'
import {
  openSimulatedTerminal,
  profileOf,
  type TerminalKind,
} from '../../gateway/simulator/simulated-terminal.js'
import { readTillLog } from '../../gateway/simulator/till-log.js'

const ACK = Uint8Array.of(0x06)
const TIME_ZONE = 'Europe/Berlin'

async function builtIn(): Promise<ProfileRegistry> {
  const registry = await loadRegistry({ extraFolders: [] })
  if (!registry.ok) throw new Error(registry.error.join('\n'))
  return registry.value
}

/** Plugs the terminal into a real serialport and decodes what it says until `wanted` events came. */
async function listenTo(
  t: Test,
  options: { readonly kind: TerminalKind; readonly wanted: number },
): Promise<{ readonly events: readonly Event[]; readonly issues: readonly string[] }> {
  const registry = await builtIn()
  const resolved = registry.dialectOf(profileOf(options.kind))
  if (!resolved.ok) throw resolved.error
  const dialect = resolved.value
  const link = join(t.testdir(), 'dev', 'port')
  const made = { id: 'terminal-1', kind: options.kind, link, perMinute: 6_000, seed: 3 }
  const terminal = openSimulatedTerminal({ ...made, timeZone: TIME_ZONE }, registry)
  const port = new SerialPort({ path: link, baudRate: 9600, autoOpen: false })
  await new Promise<void>(resolve => port.open(() => resolve()))
  port.write(Buffer.from(dialect.greeting))
  const stop = new AbortController()
  const running = terminal.run(stop.signal)
  const heard = await decodeAll(port, { dialect, wanted: options.wanted })
  port.on('data', () => port.write(ACK))
  // It hangs up now; an answer may be on its way to a port that is gone.
  port.on('error', () => undefined)
  stop.abort()
  await running
  port.close()
  return heard
}

async function decodeAll(
  port: SerialPort,
  options: { readonly dialect: Dialect; readonly wanted: number },
): Promise<{ readonly events: Event[]; readonly issues: string[] }> {
  const { dialect, wanted } = options
  const framer = dialect.createFramer()
  const [events, issues]: [Event[], string[]] = [[], []]
  const capture = {
    store: storeId('store-001'),
    terminal: terminalId('terminal-1'),
    timeZone: TIME_ZONE,
    clockState: 'synced' as const,
    clock: systemClock,
    random: systemRandom,
  }
  for await (const chunk of port.iterator({ destroyOnReturn: false })) {
    for (const output of framer.push(chunk)) {
      if (output.type === 'discarded') {
        issues.push(`discarded: ${output.reason}`)
        continue
      }
      const decoded = dialect.decode(output.payload, capture)
      if (decoded.type === 'events') events.push(...decoded.events)
      if (decoded.type === 'rejected') issues.push(...decoded.issues)
      port.write(ACK)
    }
    if (events.length >= wanted || issues.length > 0) return { events, issues }
  }
  return { events, issues }
}

for (const model of ['lrc', 'binary', 'plain'] as const)
  t.test(`a ${model} till: what its log says is what its profile reads`, async t => {
    const log = join(t.testdir({ tills: {} }), 'tills', 'register-1.ndjson')
    const kind: TerminalKind = { type: 'register', model, log, sales: 5, resetCounterAfter: 3 }
    const { events, issues } = await listenTo(t, { kind, wanted: 5 })
    t.same(issues, [])
    const logged = readTillLog(log).flatMap(entry => (entry.type === 'sale' ? [entry.sale] : []))
    t.equal(events.length, 5)
    for (const [index, event] of events.entries()) {
      const { taxIncluded: _, ...data } = { taxIncluded: true, ...event.data }
      t.same({ type: event.type, ...data }, logged[index])
    }
    if (model !== 'plain') {
      t.equal(events[3]?.subject, '000001', 'the counter starts over')
      t.equal(events[3]?.id, events[0]?.id)
    }
  })

t.test('a scanner: codes with their check digits and elements', async t => {
  const { events, issues } = await listenTo(t, { kind: { type: 'scanner' }, wanted: 20 })
  t.same(issues, [])
  t.ok(events.every(event => event.type === 'code.scanned'))
  t.ok(events.some(event => 'elements' in event.data))
})

t.test('a scale: silent until asked, then every stable weight once', async t => {
  const { events, issues } = await listenTo(t, { kind: { type: 'scale' }, wanted: 2 })
  t.same(issues, [])
  t.match(events, [{ type: 'goods.weighed', data: { unit: 'kg', stable: true } }, {}])
})

t.test('a CAS scale: silent until asked, and says when it is ready', async t => {
  const registry = await builtIn()
  const link = join(t.testdir(), 'dev', 'port')
  const kind: TerminalKind = { type: 'scale', model: 'cas' }
  t.equal(profileOf(kind).profile, 'cas/tedc1')
  const made = { id: 'scale-1', kind, link, perMinute: 60, seed: 3, timeZone: TIME_ZONE }
  const terminal = openSimulatedTerminal(made, registry)
  const port = new SerialPort({ path: link, baudRate: 9600, autoOpen: false })
  await new Promise<void>(resolve => port.open(() => resolve()))
  const stop = new AbortController()
  const running = terminal.run(stop.signal)
  const heard = new Promise<Buffer>(resolve => port.once('data', resolve))
  port.write(Uint8Array.of(0x05))
  t.same([...(await heard)], [0x06])
  stop.abort()
  await running
  port.close()
})

t.test('a payment terminal: approved and declined', async t => {
  const { events, issues } = await listenTo(t, { kind: { type: 'payment' }, wanted: 25 })
  t.same(issues, [])
  const types = new Set(events.map(event => event.type))
  t.same([...types].sort(), ['payment.approved', 'payment.declined'])
})
