import type { Test } from 'tap'
import { openJournalCopy } from '../../gateway/journal/journal-copy.js'
import { verifyJournal } from '../../gateway/journal/verify-journal.js'
import { idsOf, sale } from '../support/sample.js'
import { openMirrored } from './open-mirrored.js'
import { everything } from './recovered.js'

/** Our folder on a medium. */
export const FOLDER = 'tillbridge-copy'

/** Opens what is left and checks that all that was acknowledged is there, once, and sound. */
export async function checkKept(
  t: Test,
  shop: { readonly dataDir: string; readonly stick: string },
  acknowledged: readonly string[],
): Promise<void> {
  const opened = await openMirrored(shop.dataDir, shop.stick)
  const { records } = await everything(opened.journal)
  const kept = idsOf(records, 'sale.completed').map(String)
  const found = new Set(kept)
  t.same(
    acknowledged.filter(id => !found.has(id)),
    [],
    `${acknowledged.length} acknowledged, none lost`,
  )
  t.equal(found.size, kept.length, 'none twice')
  const [first = '', last = ''] = [acknowledged[0], acknowledged.at(-1)]
  const again = [first, last].map(id => sale({ number: Number(id.slice(5)), lines: 4 }))
  const known = await opened.journal.append(again)
  t.notOk(known.includes('stored'), 'what is kept is known')
  await opened.close()
}

/** The same, and no record is missing. */
export async function checkWhole(
  t: Test,
  shop: { readonly dataDir: string; readonly stick: string },
  acknowledged: readonly string[],
): Promise<void> {
  await checkKept(t, shop, acknowledged)
  await verify(t, shop.dataDir)
}

async function verify(t: Test, dataDir: string): Promise<void> {
  const copy = await openJournalCopy(dataDir)
  const { signal } = new AbortController()
  const verdict = await verifyJournal({ database: copy.database, publicKey: undefined, signal })
  await copy.close()
  t.same(verdict.faults, [], 'the chain is whole')
  const ordinals = verdict.epochs.map(({ epoch }) => Number.parseInt(epoch, 10))
  t.same(
    ordinals,
    ordinals.map((_, index) => index + 1),
    'each epoch follows the one before',
  )
}
