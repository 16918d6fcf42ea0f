import t from 'tap'
import { withoutUpdates } from '../../gateway/composition/updates.js'
import { terminalId } from '../../gateway/core/ids.js'
import type { UpdateHold } from '../../gateway/core/update-lock.js'
import type { CommandSink } from '../../gateway/downlink/downlink.js'
import type { CommandOutcome, CommandRequest } from '../../gateway/wire/command.js'
import { STORE } from '../support/sample.js'

const DONE: CommandOutcome = { type: 'successful', values: {} }
const context = {
  signal: new AbortController().signal,
  issuer: 'alice',
  untilMs: Infinity,
  emit: async () => undefined,
}

function request(verb: string): CommandRequest {
  return {
    v: 1,
    id: 'a',
    issuer: 'hq',
    issuedAt: '2026-11-22T11:00:00Z',
    expiresAt: '2026-11-22T11:01:00Z',
    store: STORE,
    target: terminalId('payment-1'),
    verb,
    arguments: {},
  }
}

function guarded(hold: UpdateHold) {
  const seen: string[] = []
  let holds = 0
  const work = async (what: string): Promise<CommandOutcome> => {
    seen.push(`${what}, ${holds} held`)
    return DONE
  }
  const sink: CommandSink = {
    changes: () => true,
    isMoney: ({ verb }) => verb === 'authorise',
    run: ({ verb }) => work(verb),
    ask: () => work('ask'),
  }
  const updates = {
    hold: () => {
      holds += 1
      const release = (): void => {
        holds -= 1
      }
      return { hold, release }
    },
  }
  return { sink: withoutUpdates(sink, updates), seen, holds: () => holds }
}

t.test('money moves under the lock, and nothing else does', async t => {
  const { sink, seen, holds } = guarded('held')
  t.strictSame(await sink.run(request('authorise'), context), DONE)
  t.strictSame(await sink.run(request('display'), context), DONE)
  t.strictSame(seen, ['authorise, 1 held', 'display, 0 held'])
  t.equal(holds(), 0)
})

t.test('what a start has to find out is under the lock until it knows', async t => {
  const { sink, holds } = guarded('held')
  const answer = sink.ask(request('authorise'), context)
  t.equal(holds(), 1)
  t.strictSame(await answer, DONE)
  t.equal(holds(), 0)
})

t.test('no money moves once the supervisor is about to stop us', async t => {
  const { sink, seen, holds } = guarded('closing')
  t.match(await sink.run(request('authorise'), context), { type: 'failed', reason: 'rejected' })
  t.strictSame(await sink.run(request('display'), context), DONE)
  t.strictSame([seen, holds()], [['display, 0 held'], 0])
})
