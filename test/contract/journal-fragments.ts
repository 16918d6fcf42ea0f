import type { Test } from 'tap'
import { eventSource } from '../../gateway/event/event.js'
import type { Journal } from '../../gateway/journal/journal.js'
import { everyRecord, idsOf, NOON_MS, STORE, sale, TILL } from '../support/sample.js'
import type { OpenJournal } from './journal.js'

const SOURCE = eventSource(STORE, TILL)

const parts = (...texts: readonly string[]) => texts.map(text => new Uint8Array(Buffer.from(text)))

async function heldBy(journal: Journal, source = SOURCE): Promise<readonly string[]> {
  return (await journal.fragments(source)).map(part => Buffer.from(part).toString())
}

/** What a journal keeps of a message that is not whole yet. */
export function testFragments(t: Test, open: OpenJournal): void {
  const reopen = (place: string) => open(place, { wallMs: NOON_MS, clock: 'synced' })

  t.test('fragments are kept over restarts, as they came, each source its own', async t => {
    const place = t.testdir()
    const before = await reopen(place)
    const [first, second] = [parts('begin'), parts('begin', 'item')]
    t.same(await before.append([], { source: SOURCE, before: [], after: first }), [])
    await before.append([], { source: SOURCE, before: first, after: second })
    const other = `${SOURCE}0`
    await before.append([], { source: other, before: [], after: parts('other') })
    await before.close()
    const journal = await reopen(place)
    t.teardown(() => journal.close())
    t.same(await heldBy(journal), ['begin', 'item'])
    t.same(await heldBy(journal, other), ['other'])
    t.same(await heldBy(journal, 'nobody'), [])
    const texts = [...(await journal.fragmentsUnder(SOURCE))].map(([source, held]) => [
      source,
      held.map(part => Buffer.from(part).toString()),
    ])
    t.same(texts, [
      [SOURCE, ['begin', 'item']],
      [other, ['other']],
    ])
    t.equal((await journal.fragmentsUnder(`${SOURCE}/`)).size, 0)
  })

  t.test('they go in the write that appends the event they made', async t => {
    const place = t.testdir()
    const before = await reopen(place)
    const held = parts('begin', 'item')
    await before.append([], { source: SOURCE, before: [], after: held })
    const change = { source: SOURCE, before: held, after: parts('end') }
    t.same(await before.append([sale({ number: 1 })], change), ['stored'])
    t.same(await before.append([sale({ number: 1 })], change), ['duplicate'], 'twice is once')
    await before.close()
    const journal = await reopen(place)
    t.teardown(() => journal.close())
    t.same(await heldBy(journal), ['end'])
    t.same(idsOf(await everyRecord(journal), 'sale.completed'), ['sale-1'])
  })

  t.test('an event that is refused leaves them as they were', async t => {
    const journal = await reopen(t.testdir())
    t.teardown(() => journal.close())
    const held = parts('begin')
    await journal.append([], { source: SOURCE, before: [], after: held })
    const large = sale({ number: 1, lines: 1000 })
    const change = { source: SOURCE, before: held, after: [] }
    await t.rejects(journal.append([large], change), { code: 'TB_EVENT_TOO_LARGE' })
    t.same(await heldBy(journal), ['begin'])
  })
}
