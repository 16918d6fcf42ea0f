import t from 'tap'
import { GroupCommit } from '../../gateway/journal/group-commit.js'

/** A writer that waits until the test lets it go on, and keeps what it was given. */
function controlled(maxItems: number) {
  const groups: (readonly number[])[] = []
  const gates: (() => void)[] = []
  const group = new GroupCommit<number, string>({
    maxItems,
    write: async items => {
      groups.push(items)
      await new Promise<void>(resolve => gates.push(resolve))
      if (items.includes(13)) throw new Error('unlucky')
      return items.map(String)
    },
  })
  const next = async (): Promise<void> => {
    while (gates.length === 0) await Promise.resolve()
    gates.shift()?.()
  }
  return { group, groups, next }
}

t.test('what waits while a write runs shares the next one', async t => {
  const { group, groups, next } = controlled(10)
  const first = group.add([1])
  await Promise.resolve()
  const waiting = [group.add([2, 3]), group.add([]), group.add([4])]
  await next()
  t.same(await first, ['1'])
  await next()
  t.same(await Promise.all(waiting), [['2', '3'], [], ['4']])
  t.same(groups, [[1], [2, 3, 4]])
})

t.test('a group keeps to its size; what came together stays together', async t => {
  const { group, groups, next } = controlled(3)
  const added = [[1, 2], [3, 4], [5], [6, 7, 8, 9], [10]].map(items => group.add(items))
  for (let round = 0; round < 4; round += 1) await next()
  await Promise.all(added)
  t.same(groups, [[1, 2], [3, 4, 5], [6, 7, 8, 9], [10]])
})

t.test('a failed write rejects its own group and no other', async t => {
  const { group, next } = controlled(2)
  const added = [group.add([1, 13]), group.add([2])]
  const settled = Promise.allSettled(added)
  await next()
  await next()
  t.match(await settled, [{ status: 'rejected' }, { status: 'fulfilled', value: ['2'] }])
  await group.idle()
})
