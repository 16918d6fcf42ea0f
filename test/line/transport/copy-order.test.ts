import t from 'tap'
import { LIMITS } from '../../../gateway/core/limits.js'
import { CopyOrder } from '../../../gateway/line/transport/copy-order.js'
import { steppedClock } from '../../support/stepped-clock.js'

function copies() {
  const said: string[] = []
  const { clock, step } = steppedClock()
  const order = new CopyOrder<string>({
    clock,
    sink: {
      push: bytes => said.push(Buffer.from(bytes).toString()),
      endSender: () => said.push('|'),
      lose: () => said.push('lost'),
    },
  })
  const heard = (sender: string, text: string) => order.heard(sender, Buffer.from(text))
  return { said, step, order, heard }
}

t.test('each sender is copied to its end before the next one', async t => {
  const { said, order, heard } = copies()
  heard('a', 'a1')
  heard('b', 'b1')
  heard('c', 'c1')
  order.finished('b')
  heard('a', 'a2')
  t.strictSame(said, ['a1', 'a2'])
  order.finished('a')
  t.strictSame(said, ['a1', 'a2', '|', 'b1', '|', 'c1'])
  order.finished('c')
  order.finished('c')
  t.strictSame(said.slice(6), ['|'])
})

t.test('a sender that stays and says nothing gives way', async t => {
  const { said, step, heard } = copies()
  heard('a', 'a1')
  step(LIMITS.printerTurnMs - 1)
  heard('a', 'a2')
  heard('b', 'b1')
  step(LIMITS.printerTurnMs - 1)
  t.strictSame(said, ['a1', 'a2'])
  step(1)
  t.strictSame(said, ['a1', 'a2', '|', 'b1'])
  heard('a', 'a3')
  step(LIMITS.printerTurnMs)
  t.strictSame(said.slice(4), ['|', 'a3'])
})

t.test('more than can wait is lost, and said to be', async t => {
  const { said, heard } = copies()
  heard('a', 'a1')
  heard('b', 'b'.repeat(LIMITS.lineBacklogBytes))
  heard('b', 'b')
  t.strictSame(said, ['a1', 'lost'])
})
