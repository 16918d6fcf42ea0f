import t from 'tap'
import { epochId } from '../../gateway/core/ids.js'
import type { EpochExtent } from '../../gateway/journal/journal.js'
import { asked, helloPage } from '../../gateway/uplink/hello-page.js'

const extent = (ordinal: number): EpochExtent => ({
  epoch: epochId(`${ordinal}-${'a'.repeat(32)}`),
  first: 1,
  last: 1,
  pending: [],
})

const ordinals = (extents: readonly EpochExtent[]): readonly number[] =>
  extents.map(({ epoch }) => Number.parseInt(epoch, 10))

t.test('pages name every epoch once, and the current one always', async t => {
  const all = Array.from({ length: 12 }, (_, index) => extent(index + 1))
  const pages: (readonly number[])[] = []
  for (let afterOrdinal = 0; ; ) {
    const page = helloPage(all, { afterOrdinal, closed: 5 })
    pages.push(ordinals(page.epochs))
    afterOrdinal = page.upToOrdinal
    if (!page.hasNext) break
  }
  t.same(pages, [
    [1, 2, 3, 4, 5, 12],
    [6, 7, 8, 9, 10, 12],
    [11, 12],
  ])
})

t.test('what is trimmed between two pages hides nothing; a new epoch is asked about', async t => {
  const all = Array.from({ length: 9 }, (_, index) => extent(index + 1))
  const { upToOrdinal: afterOrdinal } = helloPage(all, { afterOrdinal: 0, closed: 3 })
  const later = [...all.slice(2), extent(10)]
  const page = helloPage(later, { afterOrdinal, closed: 3 })
  t.same(ordinals(page.epochs), [4, 5, 6, 10])
  t.same(ordinals(asked([...later, extent(11)], page).extents), [4, 5, 6, 10, 11])
  t.same(ordinals(helloPage([extent(7)], { afterOrdinal: 0, closed: 3 }).epochs), [7])
})
