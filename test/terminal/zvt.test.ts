import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import t from 'tap'
import { systemClock } from '../../gateway/core/clock.js'
import { seededRandom } from '../../gateway/core/random.js'
import { SerialPortTransport } from '../../gateway/line/transport/serial-port.js'
import { TcpClient } from '../../gateway/line/transport/tcp-client.js'
import { loadRegistry } from '../../gateway/profile/registry.js'
import { openSimulatedTerminal } from '../../gateway/simulator/simulated-terminal.js'
import { listenZvt } from '../../gateway/simulator/zvt-run.js'
import { journalIn } from '../journal/open.js'
import { until } from '../support/until.js'
import {
  counter,
  newFolder,
  openShop,
  paid,
  plugIn,
  startZvt,
  typesOf,
  zvtDialect,
} from './zvt-shop.js'

for (const wire of ['serial', 'tcp'] as const) {
  t.test(
    `${wire}: a payment, its refusals, a reversal, a refund and the end of the day`,
    async t => {
      const at = counter()
      const { session, journal } = await openShop(t, { wire, at })
      const approved = await session.command('authorise', { amountMinor: 1250 })
      t.match(approved, {
        type: 'successful',
        values: { amountMinor: 1250, receiptNumber: '0001', maskedPan: '************4771' },
      })
      at.behaviours.push({ declines: 5 }, { aborts: true })
      t.match(await session.command('authorise', { amountMinor: 300 }), {
        type: 'failed',
        reason: 'rejected',
        detail: /network operator code 05/,
      })
      t.match(await session.command('authorise', { amountMinor: 400 }), { detail: /abort/ })
      t.match(await session.command('reverse', { receiptNumber: 1 }), { type: 'successful' })
      t.match(await session.command('reverse', { receiptNumber: 77 }), { detail: /not possible/ })
      at.behaviours.push({ printsLines: 3, repeatsStatus: true })
      t.match(await session.command('authorise', { amountMinor: 900 }), { type: 'successful' })
      t.match(await session.command('refund', { amountMinor: 100 }), { type: 'successful' })
      t.match(await session.command('repeat-receipt'), { values: { amountMinor: 100 } })
      t.match(await session.command('end-of-day'), { type: 'successful' })
      t.strictSame(await typesOf(journal), [
        'payment.started',
        'payment.approved',
        'payment.started',
        'payment.declined',
        'payment.started',
        'payment.declined',
        'payment.reversed',
        'payment.started',
        'payment.approved',
        'payment.reversed',
        'payment.settled',
      ])
    },
  )

  t.test(`${wire}: where the terminal falls silent it is asked, and pays once`, async t => {
    for (const keepsUnanswered of wire === 'tcp' ? [true, false] : [true])
      for (const hangs of ['before-answer', 'before-status', 'after-status'] as const) {
        const at = counter({ keepsUnanswered })
        const { session, journal } = await openShop(t, { wire, at })
        await session.command('authorise', { amountMinor: 1250 })
        at.behaviours.push({ hangs })
        const outcome = await session.command('authorise', { amountMinor: 1250 })
        const { atHq, atTerminal } = await paid(journal, at)
        t.equal(atHq, atTerminal, `${hangs}, ${keepsUnanswered ? 'kept' : 'taken back'}`)
        // On a busy machine the first question may come to nothing, too: then nobody knows yet.
        const isUnknown = outcome.type === 'failed' && outcome.reason === 'unknown'
        const expected = atTerminal === 2 ? 'successful' : 'failed'
        t.ok(isUnknown || outcome.type === expected, `the till hears so: ${outcome.type}`)
        await session.ready()
        t.match(await session.command('authorise', { amountMinor: 70 }), { type: 'successful' })
        await session.stop()
      }
  })
}

t.test('a status is answered once it is in the journal, never before', async t => {
  const at = counter()
  let letGo = (): void => undefined
  const held = new Promise<void>(resolve => {
    letGo = resolve
  })
  let isOffered = false
  const { session, journal } = await openShop(t, {
    wire: 'tcp',
    at: { ...at, keepsUnanswered: false },
    ingest: ordinary => async (events, fragments) => {
      if (events.some(({ type }) => type === 'payment.approved')) {
        isOffered = true
        await held
      }
      return ordinary(events, fragments)
    },
  })
  const outcome = session.command('authorise', { amountMinor: 1250 })
  await until('the status is being journaled', () => isOffered)
  await until('the terminal has given up', () => at.memory.transactions[0]?.state === 'taken-back')
  t.notOk((await typesOf(journal)).includes('payment.approved'))
  letGo()
  await outcome
})

t.test('a journal that is full makes the terminal wait, and pay once', async t => {
  const at = counter()
  let refusals = 3
  const { session, journal } = await openShop(t, {
    wire: 'serial',
    at,
    ingest: ordinary => async (events, fragments) => {
      if (events.some(({ type }) => type === 'payment.approved') && refusals > 0) {
        refusals -= 1
        return { type: 'refused', code: 'TB_JOURNAL_FULL', reason: 'full' }
      }
      return ordinary(events, fragments)
    },
  })
  t.match(await session.command('authorise', { amountMinor: 1250 }), { type: 'successful' })
  t.strictSame(await typesOf(journal), ['payment.started', 'payment.approved'])
  t.equal(refusals, 0)
})

t.test('a command that cannot be journaled is not sent', async t => {
  const at = counter()
  const { session } = await openShop(t, {
    wire: 'tcp',
    at,
    ingest: ordinary => async (events, fragments) =>
      events.some(({ type }) => type === 'payment.started')
        ? { type: 'refused', code: 'TB_JOURNAL_FULL', reason: 'full' }
        : ordinary(events, fragments),
  })
  t.match(await session.command('authorise', { amountMinor: 1250 }), { detail: /journaled/ })
  t.strictSame(at.memory.transactions, [])
})

t.test('a real pseudo-terminal', async t => {
  const registry = await loadRegistry({ extraFolders: [] })
  if (!registry.ok) throw new Error(registry.error.join('\n'))
  const path = newFolder()
  const terminal = openSimulatedTerminal(
    { id: 'zvt', kind: { type: 'zvt' }, link: path, perMinute: 1, seed: 1, timeZone: 'UTC' },
    registry.value,
  )
  const unplug = new AbortController()
  const running = terminal.run(unplug.signal)
  const journal = await journalIn(newFolder())
  const dialect = await zvtDialect('ecr-serial')
  const transport = new SerialPortTransport({ path, ...dialect.line, clock: systemClock })
  const session = startZvt(t, { dialect, transport, journal })
  t.teardown(async () => {
    await session.stop()
    unplug.abort()
    await running
    await journal.close()
  })
  await session.ready()
  t.match(await session.command('authorise', { amountMinor: 1250 }), { type: 'successful' })
  t.strictSame(await typesOf(journal), ['payment.started', 'payment.approved'])
})

t.test('the simulator on TCP, called twice: it knows what it was paid before', async t => {
  const device = { clock: systemClock, random: seededRandom(1) }
  const terminal = await listenZvt(device, { host: '127.0.0.1', port: 0 })
  const off = new AbortController()
  const running = terminal.run(off.signal)
  const journal = await journalIn(newFolder())
  const port = Number(terminal.address.split(':')[1])
  const dialect = await zvtDialect('ecr-tcp')
  const start = () => {
    const transport = new TcpClient({ host: '127.0.0.1', port, clock: systemClock })
    return startZvt(t, { dialect, transport, journal })
  }
  const first = start()
  await first.ready()
  t.match(await first.command('authorise', { amountMinor: 1250 }), { type: 'successful' })
  await first.stop()
  const second = start()
  await second.ready()
  t.match(await second.command('repeat-receipt'), { values: { amountMinor: 1250 } })
  await second.stop()
  off.abort()
  await running
  await journal.close()
})

t.test('a real TCP line, cut and opened again', async t => {
  const at = counter()
  const sockets: Socket[] = []
  const server = createServer(socket => {
    sockets.push(socket)
    socket.on('error', () => undefined)
    const terminal = plugIn(
      {
        write: async bytes => {
          socket.write(bytes)
        },
        onData: listener => {
          socket.on('data', listener)
          return () => socket.off('data', listener)
        },
      },
      'tcp',
      at,
    )
    socket.on('close', () => terminal.close())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const journal = await journalIn(newFolder())
  const transport = new TcpClient({ host: '127.0.0.1', port: address.port, clock: systemClock })
  const session = startZvt(t, { dialect: await zvtDialect('ecr-tcp'), transport, journal })
  t.teardown(async () => {
    await session.stop()
    server.close()
    await journal.close()
  })
  await session.ready()
  at.behaviours.push({ hangs: 'before-status' })
  const outcome = session.command('authorise', { amountMinor: 1250 })
  await until('the card was taken', () => at.memory.transactions.length === 1)
  for (const socket of sockets) socket.destroy()
  t.match(await outcome, { type: 'failed', reason: 'unknown' })
  await session.ready()
  t.same(await paid(journal, at), { atHq: 1, atTerminal: 1 })
  t.ok((await typesOf(journal)).includes('payment.unknown'), 'in doubt until it was asked')
})
