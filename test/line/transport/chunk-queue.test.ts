import t from 'tap'
import { systemClock } from '../../../gateway/core/clock.js'
import { LIMITS } from '../../../gateway/core/limits.js'
import { ChunkQueue } from '../../../gateway/line/transport/chunk-queue.js'

const part = new Uint8Array(LIMITS.lineBacklogBytes / 4)

t.test('a sender that can be paused is paused when full, and resumed when half empty', async t => {
  const calls: string[] = []
  const flow = { pause: () => void calls.push('pause'), resume: () => void calls.push('resume') }
  const queue = new ChunkQueue({ clock: systemClock, flow })
  for (let parts = 0; parts < 5; parts++) queue.push(part)
  t.same(calls, ['pause'])
  const reader = queue[Symbol.asyncIterator]()
  for (let parts = 0; parts < 3; parts++) await reader.next()
  t.same(calls, ['pause'])
  await reader.next()
  t.same(calls, ['pause', 'resume'])
})

t.test('a line that cannot be paused is lost when full, with what it held', async t => {
  const queue = new ChunkQueue({ clock: systemClock })
  for (let parts = 0; parts < 5; parts++) queue.push(part)
  t.throws(() => queue.assertOpen(), { code: 'TB_LINE_CLOSED' })
  let chunks = 0
  const reading = (async () => {
    for await (const chunk of queue) chunks += chunk.bytes.length / part.length
  })()
  await t.rejects(reading, { code: 'TB_LINE_CLOSED' })
  t.equal(chunks, 4, 'what came when it was full is not pretended to be there')
})

t.test('chunks keep the time they arrived at', async t => {
  let nowMs = 5
  const queue = new ChunkQueue({ clock: { ...systemClock, monotonicMs: () => nowMs } })
  queue.push(Uint8Array.of(1))
  nowMs = 900
  const reader = queue[Symbol.asyncIterator]()
  t.match(await reader.next(), { value: { atMs: 5 } })
})
