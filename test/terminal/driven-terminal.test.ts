import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { systemClock } from '../../gateway/core/clock.js'
import { seededRandom } from '../../gateway/core/random.js'
import { SerialPortTransport } from '../../gateway/line/transport/serial-port.js'
import {
  type Mishap,
  PaymentTerminal,
  type TerminalPayment,
} from '../../gateway/simulator/payment-terminal.js'
import { openPseudoTerminal } from '../../gateway/simulator/pseudo-terminal.js'
import { journalIn } from '../journal/open.js'
import { until } from '../support/until.js'
import { type SessionUnderTest, startSession } from './shop.js'

const FOLDER = 'firmware-profiles/transbank'
/** Never by itself: it is driven. */
const NEVER_MS = 2_000_000_000

/** Of a test that waits for its end; longer than a busy machine keeps an answer waiting. */
const HASTE_MS = 1500
const PATIENCE_MS = 60_000

/** The built-in dialect, with so much patience. */
function profileWith(t: Test, patienceMs: number): string {
  const read = (name: string): string => readFileSync(`${FOLDER}/${name}`, 'utf8')
  const dialect = read('integrado.dialect.yaml')
    .replace('replyWithinMs: 150000', `replyWithinMs: ${patienceMs}`)
    .replace('ackWithinMs: 2000', `ackWithinMs: ${patienceMs}`)
  return t.testdir({
    transbank: {
      'integrado.dialect.yaml': dialect,
      'integrado.cases.yaml': read('integrado.cases.yaml'),
      'pos.profile.yaml': read('pos.profile.yaml'),
    },
    dev: {},
    journal: {},
  })
}

interface DrivenShop extends SessionUnderTest {
  /** What the terminal charged. */
  readonly memory: readonly TerminalPayment[]
  /** What happens to the next requests, in their order; then nothing any more. */
  readonly mishaps: Mishap[]
  plugIn(): { unplug(): Promise<void> }
}

/** A driven terminal on a pseudo-terminal, and a session that opens it as a serial port. */
async function drivenShop(t: Test, patienceMs = PATIENCE_MS): Promise<DrivenShop> {
  const folder = profileWith(t, patienceMs)
  const path = join(folder, 'dev', 'terminal')
  const memory: TerminalPayment[] = []
  const mishaps: Mishap[] = []
  const transport = new SerialPortTransport({
    path,
    baudRate: 115_200,
    dataBits: 8,
    parity: 'none',
    stopBits: 1,
    clock: systemClock,
  })
  const journal = await journalIn(join(folder, 'journal'))
  const shop = await startSession(t, {
    profile: 'transbank/pos',
    folders: [folder],
    transport,
    journal,
  })
  t.teardown(() => journal.close())
  const plugIn = (): { unplug(): Promise<void> } => {
    const line = openPseudoTerminal({ link: path })
    const terminal = new PaymentTerminal({
      line,
      dialect: shop.dialect,
      clock: systemClock,
      random: seededRandom(7),
      pauseMs: () => NEVER_MS,
      timeZone: 'Europe/Berlin',
      memory,
      mishap: () => mishaps.shift() ?? 'none',
    })
    const power = new AbortController()
    const running = terminal.run(power.signal)
    return {
      unplug: async () => {
        power.abort()
        await running
        line.close()
      },
    }
  }
  return { ...shop, memory, mishaps, plugIn }
}

const authorise = (reference: string) => ({
  id: reference,
  verb: 'authorise',
  values: { amount: 2500, reference },
})

async function paymentsOf(shop: SessionUnderTest): Promise<readonly string[]> {
  const events = await shop.events()
  return events.map(({ type }) => type).filter(type => type.startsWith('payment.'))
}

/** Plugged in, and through with being asked for its last payment. */
async function connected(shop: DrivenShop) {
  const plug = shop.plugIn()
  await until('connected', () => shop.session.status.state === 'connected')
  await until('asked', () => shop.session.status.framesTotal >= 2)
  return plug
}

t.test('a driven sale is journaled before and after, and charged once', async t => {
  const shop = await drivenShop(t)
  const plug = await connected(shop)
  const outcome = await shop.session.command(authorise('A00001'))
  t.match(outcome, { type: 'successful', values: { authorisationCode: /^\d{6}$/ } })
  t.same(await paymentsOf(shop), ['payment.started', 'payment.approved'])
  const approved = (await shop.events()).find(({ type }) => type === 'payment.approved')
  t.match(approved, { data: { amountMinor: 2500, terminalReceiptNumber: 'A00001' } })
  t.equal(shop.memory.length, 1)
  t.match(await shop.session.command({ id: 'z', verb: 'close', values: {} }), {
    type: 'successful',
  })
  await plug.unplug()
})

for (const mishap of ['answer-lost', 'ack-lost'] as const)
  t.test(`${mishap}: the sale is unknown, asked for, and found once`, async t => {
    const shop = await drivenShop(t, HASTE_MS)
    const plug = await connected(shop)
    shop.mishaps.push(mishap)
    const outcome = await shop.session.command(authorise('A00001'))
    t.match(outcome, { type: 'successful' })
    t.same(await paymentsOf(shop), ['payment.started', 'payment.unknown', 'payment.approved'])
    t.equal(shop.memory.length, 1, 'charged once')
    t.match(await shop.session.command({ id: 'l', verb: 'last', values: {} }), {
      type: 'successful',
    })
    t.equal((await paymentsOf(shop)).length, 3, 'asked again it books nothing twice')
    await plug.unplug()
  })

t.test('a line that is cut in the middle of a sale is asked when it is back', async t => {
  const shop = await drivenShop(t)
  const plug = await connected(shop)
  shop.mishaps.push('answer-lost')
  const selling = shop.session.command(authorise('A00001'))
  await until('charged', () => shop.memory.length === 1)
  await plug.unplug()
  t.match(await selling, { type: 'failed', reason: 'unknown' })
  const again = shop.plugIn()
  await until('found', async () => (await paymentsOf(shop)).includes('payment.approved'))
  t.same(
    (await paymentsOf(shop)).filter(type => type !== 'payment.unknown'),
    ['payment.started', 'payment.approved'],
  )
  t.equal(shop.memory.length, 1)
  await again.unplug()
})

t.test('a terminal that is gone is asked for nothing', async t => {
  const shop = await drivenShop(t)
  t.match(await shop.session.command(authorise('A00001')), { type: 'failed', reason: 'rejected' })
  t.equal(shop.memory.length, 0)
})
