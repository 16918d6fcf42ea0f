import t from 'tap'
import { epochId, newLedgerId } from '../../gateway/core/ids.js'
import { silentLogger } from '../../gateway/core/log.js'
import { systemRandom } from '../../gateway/core/random.js'
import type { Ledger, LedgerReceipt } from '../../gateway/hq/ledger.js'
import { ReceiptSender } from '../../gateway/hq/receipt-sender.js'
import { decodeReceipt, type EpochReceipt } from '../../gateway/wire/receipt.js'
import { ledgerWith } from '../support/ledger-with.js'
import { STORE } from '../support/sample.js'
import { ScriptedConnection } from '../support/scripted-connection.js'
import { freshDirectory, openLedger, TOPICS } from '../support/shop.js'
import { until } from '../support/until.js'

const EPOCH = epochId(`1-${'a'.repeat(32)}`)
const LEDGER = newLedgerId(systemRandom)

/** A ledger whose answers come when the test says; each tells how far it was when it was asked. */
function slowLedger(real: Ledger) {
  const answers: (() => void)[] = []
  let upTo = 0
  const ledger = ledgerWith(real, {
    receipt: () => {
      const receipt = { ledger: LEDGER, epochs: [{ epoch: EPOCH, upTo, missing: [] }] }
      return new Promise(resolve => answers.push(() => resolve(receipt)))
    },
  })
  return {
    ledger,
    answers,
    commit: () => {
      upTo += 1
    },
  }
}

function senderOf(
  ledger: Ledger,
  connection: ScriptedConnection,
  onTakenBack = async (_: LedgerReceipt): Promise<void> => undefined,
): ReceiptSender {
  const topics = TOPICS
  return new ReceiptSender({ ledger, connection, topics, logger: silentLogger, onTakenBack })
}

t.test('receipts of a store never overtake each other, and many due are one', async t => {
  const { ledger, answers, commit } = slowLedger(await openLedger(freshDirectory(t)))
  const connection = new ScriptedConnection()
  const sender = senderOf(ledger, connection)
  for (let n = 0; n < 5; n += 1) {
    commit()
    sender.due(STORE)
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
  sender.due(STORE)
  t.equal(answers.length, 3, 'and it is ready for the next')
})

t.test(
  'a ledger that takes back what it said was restored; an epoch let go of was not',
  async t => {
    const real = await openLedger(freshDirectory(t))
    t.teardown(() => real.close())
    let all: readonly EpochReceipt[] = []
    let named: readonly EpochReceipt[] = []
    const ledger = ledgerWith(real, {
      receipt: async (_, held) => ({ ledger: LEDGER, epochs: held === undefined ? named : all }),
    })
    const connection = new ScriptedConnection()
    const restored: LedgerReceipt[] = []
    const sender = senderOf(ledger, connection, async told => void restored.push(told))
    const say = async (now: readonly EpochReceipt[], of = now): Promise<void> => {
      named = of
      all = now
      const before = connection.published.length + restored.length
      sender.due(STORE)
      const after = (): number => connection.published.length + restored.length
      await until('it is sent or not', () => after() > before)
    }
    const up = (upTo: number): EpochReceipt => ({ epoch: EPOCH, upTo, missing: [] })
    await say([up(5)])
    await say([up(7)])
    await say([up(7)], [])
    await say([up(7)])
    t.same(restored, [])
    await say([{ ...up(9), missing: [[6, 6]] }])
    t.match(restored, [{ ledger: LEDGER, epochs: [{ upTo: 7 }] }])
    t.equal(connection.published.length, 4, 'and no receipt says so')
  },
)
