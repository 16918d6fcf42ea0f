import t from 'tap'
import { epochId, newLedgerId } from '../../gateway/core/ids.js'
import { silentLogger } from '../../gateway/core/log.js'
import { systemRandom } from '../../gateway/core/random.js'
import type { Ledger } from '../../gateway/hq/ledger.js'
import { ReceiptSender } from '../../gateway/hq/receipt-sender.js'
import { decodeReceipt, type EpochReceipt } from '../../gateway/wire/receipt.js'
import { STORE } from '../support/sample.js'
import { ScriptedConnection } from '../support/scripted-connection.js'
import { TOPICS } from '../support/shop.js'
import { until } from '../support/until.js'

const EPOCH = epochId(`1-${'a'.repeat(32)}`)

/** A ledger whose answers come when the test says; each tells how far it was when it was asked. */
function slowLedger() {
  const answers: (() => void)[] = []
  let upTo = 0
  const never = (): never => {
    throw new Error('not asked for')
  }
  const ledger: Ledger = {
    generation: { ledger: newLedgerId(systemRandom), since: '2026-11-22T12:00:00Z' },
    commit: never,
    rows: never,
    outbox: never,
    fannedOut: never,
    close: never,
    receipt: () => {
      const receipt: EpochReceipt = { epoch: EPOCH, upTo, missing: [] }
      return new Promise(resolve => answers.push(() => resolve([receipt])))
    },
  }
  return {
    ledger,
    answers,
    commit: () => {
      upTo += 1
    },
  }
}

t.test('receipts of a store never overtake each other, and many due are one', async t => {
  const { ledger, answers, commit } = slowLedger()
  const connection = new ScriptedConnection()
  const sender = new ReceiptSender({ ledger, connection, topics: TOPICS, logger: silentLogger })
  for (let n = 0; n < 5; n += 1) {
    commit()
    sender.committed(STORE, EPOCH)
  }
  t.equal(answers.length, 1, 'one is asked for at a time')
  answers[0]?.()
  await until('the second', () => answers.length === 2)
  answers[1]?.()
  await until('both went out', () => connection.published.length === 2)
  const upTo = connection.published.map(({ payload }) => {
    const receipt = decodeReceipt(Buffer.from(payload))
    return receipt.ok ? receipt.value.epochs[0]?.upTo : receipt.error
  })
  t.same(upTo, [1, 5])
  t.ok(connection.published.every(({ retain }) => retain === true))
  sender.committed(STORE, EPOCH)
  t.equal(answers.length, 3, 'and it is ready for the next')
})

t.test('a receipt names what the store holds, not every epoch that ever was', async t => {
  const held = epochId(`7-${'b'.repeat(32)}`)
  const { ledger } = slowLedger()
  const receipts: readonly EpochReceipt[] = [
    { epoch: EPOCH, upTo: 9, missing: [] },
    { epoch: held, upTo: 3, missing: [] },
  ]
  const connection = new ScriptedConnection()
  const sender = new ReceiptSender({
    ledger: {
      ...ledger,
      receipt: async (_, held) => receipts.filter(({ epoch }) => held?.has(epoch) ?? true),
    },
    connection,
    topics: TOPICS,
    logger: silentLogger,
  })
  const named = async (count: number): Promise<readonly string[]> => {
    await until('a receipt', () => connection.published.length === count)
    const receipt = decodeReceipt(Buffer.from(connection.published.at(-1)?.payload ?? ''))
    return receipt.ok ? receipt.value.epochs.map(({ epoch }) => epoch) : [receipt.error]
  }
  sender.committed(STORE, held)
  t.same(await named(1), [EPOCH, held], 'before hello: all')
  sender.greeted(STORE, [held])
  t.same(await named(2), [held])
  sender.committed(STORE, EPOCH)
  t.same(await named(3), [EPOCH, held], 'a batch shows that it holds that one, too')
})
