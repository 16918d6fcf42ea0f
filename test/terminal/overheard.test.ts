import t from 'tap'
import { systemClock } from '../../gateway/core/clock.js'
import type { Chunk, Connection } from '../../gateway/line/transport/transport.js'
import { Overheard } from '../../gateway/terminal/overheard.js'

function lineOf(chunks: readonly Chunk[]): Connection {
  return {
    write: async () => undefined,
    close: async () => undefined,
    async *[Symbol.asyncIterator]() {
      yield* chunks
    },
  }
}

t.test('what stood around an answer is as old as its first byte', async t => {
  const line = new Overheard(
    lineOf([
      { bytes: Buffer.from('sa'), atMs: 100 },
      { bytes: Buffer.from('leFW1rest'), atMs: 900 },
    ]),
    systemClock,
  )
  const found = await line.ask({
    request: Uint8Array.of(5),
    withinMs: 1000,
    answer: bytes => {
      const from = Buffer.from(bytes).indexOf('FW1')
      return from < 0 ? undefined : { from, to: from + 3, firmware: '1' }
    },
  })
  t.equal(found, '1')
  const kept: unknown[] = []
  for await (const { bytes, atMs } of line) kept.push([Buffer.from(bytes).toString(), atMs])
  t.strictSame(kept, [
    ['sale', 100],
    ['rest', 100],
  ])
})
