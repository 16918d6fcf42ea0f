import t from 'tap'
import {
  type CommandInput,
  type CommandState,
  nextState,
} from '../../gateway/downlink/command-state.js'
import type { CommandOutcome } from '../../gateway/wire/command.js'

const done: CommandOutcome = { type: 'successful', values: { line: 1 } }
const refused: CommandOutcome = { type: 'failed', reason: 'rejected', detail: 'no' }

function after(...inputs: readonly CommandInput[]): CommandState {
  return inputs.reduce<CommandState>(nextState, { type: 'accepted' })
}

t.test('accepted, executing, ended; and what has ended stays so', async t => {
  t.same(after({ type: 'begun' }), { type: 'executing' })
  t.same(after({ type: 'begun' }, { type: 'begun' }), { type: 'executing' })
  const ended = { type: 'ended', outcome: done } as const
  t.same(after({ type: 'begun' }, { type: 'done', outcome: done }), ended)
  const late: readonly CommandInput[] = [
    { type: 'begun' },
    { type: 'restarted' },
    { type: 'done', outcome: refused },
  ]
  for (const input of late) t.same(nextState(ended, input), ended)
  t.same(after({ type: 'done', outcome: refused }), { type: 'ended', outcome: refused })
})

t.test('a restart: what was not begun was not done; what was may have been', async t => {
  t.match(after({ type: 'restarted' }), { type: 'ended', outcome: { reason: 'rejected' } })
  t.match(after({ type: 'begun' }, { type: 'restarted' }), {
    type: 'ended',
    outcome: { reason: 'unknown' },
  })
})
