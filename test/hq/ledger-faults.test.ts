import { execFileSync } from 'node:child_process'
import t, { type Test } from 'tap'
import { seededRandom } from '../../gateway/core/random.js'
import type { Ledger } from '../../gateway/hq/ledger.js'
import { FORMAT_KEY, rowKey, stateKey } from '../../gateway/hq/ledger-keys.js'
import { openLedgerDatabase } from '../../gateway/hq/level-ledger.js'
import { batchOf, endOf, makeEpoch } from '../support/chain.js'
import { FaultyDatabase } from '../support/faulty-database.js'
import { STORE, sale } from '../support/sample.js'
import { ledgerIn, ledgerOver } from './open.js'

const random = seededRandom(1)
const epoch = makeEpoch({ random, events: [1, 2, 3].map(number => sale({ number })) })

async function faulty(t: Test): Promise<{ ledger: Ledger; disk: FaultyDatabase }> {
  const disk = new FaultyDatabase(await openLedgerDatabase(t.testdir()))
  const ledger = await ledgerOver(disk)
  t.teardown(() => ledger.close())
  return { ledger, disk }
}

for (const survives of [false, true])
  t.test(`a failed commit that ${survives ? 'survived' : 'is gone'} can be sent again`, async t => {
    const { ledger, disk } = await faulty(t)
    await ledger.commit(batchOf(epoch, { first: 1, last: 2 }))
    disk.failWrite({ in: 1, survives })
    const batch = batchOf(epoch, { first: 3, last: 4 })
    await t.rejects(ledger.commit(batch), { code: 'TB_LEDGER_WRITE' })
    t.match(await ledger.commit(batch), survives ? { repeated: 2 } : { stored: 2 })
    const next = makeEpoch({ random, ordinal: 2, after: endOf(epoch), events: [] })
    await ledger.commit(batchOf(next, { first: 1, last: 1 }))
    const rows = await ledger.rows(0, 99)
    t.same(
      rows.map(({ position }) => position),
      [1, 2, 3, 4, 5],
    )
    t.equal((await ledger.outbox(99)).length, 5)
  })

t.test('a ledger that does not reopen answers nothing until it does', async t => {
  const { ledger, disk } = await faulty(t)
  disk.failWrite({ in: 1 })
  disk.failOpens(1)
  const batch = batchOf(epoch, { first: 1, last: 4 })
  await t.rejects(ledger.commit(batch), { code: 'TB_LEDGER_WRITE' })
  await t.rejects(ledger.commit(batch), { code: 'TB_LEDGER_WRITE' })
  await t.rejects(ledger.receipt(STORE), { code: 'TB_LEDGER_UNREADABLE' })
  t.match(await ledger.commit(batch), { stored: 4 })
  t.match(await ledger.receipt(STORE), { epochs: [{ upTo: 4, missing: [] }] })
})

t.test('a ledger that was closed stays closed', async t => {
  const directory = t.testdir()
  const ledger = await ledgerIn(directory)
  await ledger.close()
  for (const _ of [1, 2])
    await t.rejects(ledger.commit(batchOf(epoch, { first: 1, last: 4 })), {
      code: 'TB_LEDGER_WRITE',
      message: 'closed',
    })
  const next = await ledgerIn(directory)
  t.same(await next.rows(0, 9), [])
  await next.close()
})

t.test('a ledger in use is locked, in this process and in another', async t => {
  const directory = t.testdir()
  const ledger = await ledgerIn(directory)
  t.teardown(() => ledger.close())
  await t.rejects(ledgerIn(directory), { code: 'TB_LEDGER_LOCKED', message: directory })
  const other = new URL('../journal/open-once.js', import.meta.url).pathname
  const said = execFileSync(process.execPath, [other, directory], { encoding: 'utf8' })
  t.equal(said, 'TB_JOURNAL_LOCKED')
})

t.test('a row that was damaged is named, never given out', async t => {
  const directory = t.testdir()
  const before = await ledgerIn(directory)
  await before.commit(batchOf(epoch, { first: 1, last: 4 }))
  await before.close()
  const database = await openLedgerDatabase(directory)
  const sound = (await database.get(rowKey(3))) ?? Buffer.from('')
  const value = sound.map((byte, index) => (index === sound.length - 9 ? byte ^ 4 : byte))
  await database.batch([{ type: 'put', key: rowKey(3), value }], { sync: true })
  const ledger = await ledgerOver(database)
  t.teardown(() => ledger.close())
  await t.rejects(ledger.rows(0, 9), { code: 'TB_LEDGER_UNREADABLE', message: 'row 3' })
  t.equal((await ledger.rows(3, 9)).length, 1)
})

t.test('an epoch that its store no longer holds is not read for a receipt', async t => {
  const database = await openLedgerDatabase(t.testdir())
  const ledger = await ledgerOver(database)
  t.teardown(() => ledger.close())
  const next = makeEpoch({ random, ordinal: 2, after: endOf(epoch), events: [] })
  for (const one of [epoch, next]) await ledger.commit(batchOf(one, { first: 1, last: 1 }))
  const key = stateKey(STORE, epoch.epoch)
  await database.batch([{ type: 'put', key, value: Buffer.from('x') }], { sync: true })
  await t.rejects(ledger.receipt(STORE), { code: 'TB_LEDGER_UNREADABLE' })
  t.match(await ledger.receipt(STORE, new Set([next.epoch])), {
    epochs: [{ epoch: next.epoch, upTo: 1 }],
  })
})

t.test('what is no ledger of this version is refused', async t => {
  const directory = t.testdir()
  await (await ledgerIn(directory)).close()
  for (const text of ['2', '']) {
    const database = await openLedgerDatabase(directory)
    const operation =
      text === ''
        ? ({ type: 'del', key: FORMAT_KEY } as const)
        : ({ type: 'put', key: FORMAT_KEY, value: Buffer.from(text) } as const)
    await database.batch([operation], { sync: true })
    await t.rejects(ledgerOver(database), { code: 'TB_LEDGER_UNREADABLE' })
  }
})
