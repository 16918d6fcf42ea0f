import { rmSync } from 'node:fs'
import t from 'tap'
import type { Ledger } from '../../gateway/hq/ledger.js'
import type { Journal } from '../../gateway/journal/journal.js'
import { journalPaths } from '../../gateway/journal/journal-folder.js'
import { recordKey } from '../../gateway/journal/keys.js'
import { openJournalDatabase } from '../../gateway/journal/open-database.js'
import { decodeBatch, encodeBatch, makeBatch } from '../../gateway/wire/batch.js'
import { journalIn } from '../journal/open.js'
import { openKept } from '../journal/open-storage.js'
import { below, everyRecord, newRandom, STORE, sale, shuffled } from '../support/sample.js'
import { until } from '../support/until.js'
import { ledgerIn } from './open.js'

/** What one step of an uplink does: some pending records, as bytes, into the ledger. */
async function send(
  journal: Journal,
  ledger: Ledger,
  range: Parameters<Journal['read']>[0],
): Promise<readonly string[]> {
  const { previous, records } = await journal.read(range)
  if (records.length === 0) return []
  const batch = makeBatch({ store: STORE, previous, records, historical: false })
  const decoded = await decodeBatch(await encodeBatch(batch))
  if (!decoded.ok) throw new Error(decoded.error)
  return (await ledger.commit(decoded.value)).alarms
}

t.test('whatever is sent in whatever pieces, the ledger ends with the journal', async t => {
  const random = newRandom(t)
  const place = t.testdir({ journal: {}, ledger: {} })
  const ledger = await ledgerIn(`${place}/ledger`)
  t.teardown(() => ledger.close())
  const everything: string[] = []
  for (let opening = 0; opening < 6; opening += 1) {
    const journal = await journalIn(`${place}/journal`)
    for (let append = 0; append < 10; append += 1) {
      const from = opening * 100 + append * 10
      const events = Array.from({ length: 1 + below(random, 9) }, (_, index) =>
        sale({ number: from + index, totalMinor: below(random, 3) }),
      )
      await journal.append(events)
    }
    everything.push(...(await everyRecord(journal)).map(({ hash }) => hash))
    // Any prefix, then random pieces: lost batches, repeated ones, receipts now and then.
    for (let round = 0; round < 8; round += 1) {
      const extents = journal.epochs()
      const extent = extents[below(random, extents.length)] ?? extents[0]
      if (extent === undefined) throw new Error('no epoch')
      const { epoch, first, last } = extent
      const from = round === 0 ? first : first + below(random, last - first + 1)
      const range = { epoch, first: from, last: from + below(random, last), maxBytes: 20_000 }
      t.same(await send(journal, ledger, range), [], 'no alarm')
      if (below(random, 3) === 0) await journal.confirm((await ledger.receipt(STORE)).epochs)
    }
    await journal.close()
  }
  const journal = await journalIn(`${place}/journal`)
  t.teardown(() => journal.close())
  everything.push(...(await everyRecord(journal)).map(({ hash }) => hash))
  while (journal.statistics().backlog > 0) {
    const pending = journal
      .epochs()
      .flatMap(({ epoch, pending }) =>
        pending.map(([first, last]) => ({ epoch, first, last, maxBytes: 30_000 })),
      )
    for (const range of shuffled(random, pending))
      t.same(await send(journal, ledger, range), [], 'no alarm')
    await journal.confirm((await ledger.receipt(STORE)).epochs)
  }
  const rows = await ledger.rows(0, 10_000)
  t.same(rows.map(({ hash }) => hash).sort(), [...new Set(everything)].sort())
  t.same(
    journal.epochs().map(({ pending }) => pending),
    journal.epochs().map(() => []),
  )
  const ids = rows.filter(({ kind }) => kind === 'event').map(({ event }) => idOf(event))
  t.equal(new Set(ids).size, ids.length, `${ids.length} events, none twice`)
})

t.test('a journal with holes: HQ gets all the rest and their names, and it empties', async t => {
  const place = t.testdir({ shop: {}, ledger: {} })
  const ledger = await ledgerIn(`${place}/ledger`)
  t.teardown(() => ledger.close())
  const before = await openKept(`${place}/shop`)
  const { epoch } = before.journal
  await before.journal.append(Array.from({ length: 99 }, (_, index) => sale({ number: index })))
  await before.close()
  const { journal: directory } = journalPaths(`${place}/shop`)
  const database = await openJournalDatabase(directory)
  const keys = [20, 21, 22, 60].map(seq => recordKey({ epoch, seq }))
  await database.batch(
    keys.map(key => ({ type: 'del', key })),
    { sync: true },
  )
  await database.close()
  rmSync(`${directory}/CURRENT`)
  const { journal, close } = await openKept(`${place}/shop`)
  t.teardown(close)
  const alarms: string[] = []
  for (const { epoch, pending } of journal.epochs())
    for (const [first, last] of pending)
      alarms.push(...(await send(journal, ledger, { epoch, first, last, maxBytes: 1e6 })))
  t.match(alarms, [/20 to 22 are lost.*3 of them never came/, /60 to 60.*1 of them never came/])
  const { epochs } = await ledger.receipt(STORE)
  t.match(epochs[0], { epoch, upTo: 100 })
  t.same(epochs[0]?.missing, [
    [20, 22],
    [60, 60],
  ])
  const safe = epochs.map(receipt => ({ ...receipt, safe: receipt.upTo }))
  await journal.confirm(safe)
  t.equal(journal.statistics().backlog, 0, 'nobody asks for what is lost')
  await until('trimming went past it', () => journal.statistics().records === 0)
})

function idOf(event: Uint8Array | undefined): string {
  return /"id":"([^"]*)"/.exec(Buffer.from(event ?? []).toString())?.[1] ?? ''
}
