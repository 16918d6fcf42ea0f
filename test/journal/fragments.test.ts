import t from 'tap'
import { eventSource } from '../../gateway/event/event.js'
import { fragmentKey } from '../../gateway/journal/keys.js'
import { openJournalDatabase } from '../../gateway/journal/open-database.js'
import { rebuild } from '../../gateway/journal/rebuild.js'
import { STORE, sale, TILL } from '../support/sample.js'
import { journalIn } from './open.js'

const SOURCE = eventSource(STORE, TILL)
const HELD = ['begin', 'item', 'item'].map(text => new Uint8Array(Buffer.from(text)))

async function holding(directory: string): Promise<void> {
  const journal = await journalIn(directory)
  await journal.append([sale({ number: 1 })], { source: SOURCE, before: [], after: HELD })
  await journal.close()
}

t.test('a rebuilt journal holds the fragments of the one before', async t => {
  const place = t.testdir({ source: {}, target: {} })
  await holding(`${place}/source`)
  const source = await openJournalDatabase(`${place}/source`)
  const target = await openJournalDatabase(`${place}/target`)
  await rebuild({ source, target, mark: undefined, cause: 'test' })
  await source.close()
  await target.close()
  const journal = await journalIn(`${place}/target`)
  t.teardown(() => journal.close())
  t.strictSame((await journal.fragments(SOURCE)).map(toText), HELD.map(toText))
})

t.test('a damaged fragment is empty, and those behind it stay in their places', async t => {
  const place = t.testdir()
  await holding(place)
  const database = await openJournalDatabase(place)
  const key = fragmentKey(SOURCE, 1)
  const sealed = Buffer.from((await database.get(key)) ?? [])
  sealed[sealed.length - 1] = (sealed.at(-1) ?? 0) ^ 1
  await database.batch([{ type: 'put', key, value: sealed }], { sync: true })
  await database.close()
  const journal = await journalIn(place)
  t.teardown(() => journal.close())
  t.strictSame((await journal.fragments(SOURCE)).map(toText), ['begin', '', 'item'])
})

function toText(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString()
}
