import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { LIMITS } from '../../gateway/core/limits.js'
import { seededRandom } from '../../gateway/core/random.js'
import { type Kept, SelfTest, type SelfTestVerdict } from '../../gateway/diagnostics/self-test.js'
import { NullModem } from '../../gateway/line/transport/null-modem.js'
import { steppedClock } from '../support/stepped-clock.js'

const ACK = Uint8Array.of(0x06)
const MINUTE_MS = 60_000

/** A shop as a test wants it, on the other end of the line. */
function shopThat(does: {
  readonly answers?: boolean
  readonly keeps?: (data: Kept['data']) => Kept['data'] | undefined
}) {
  const { answers = true, keeps = data => data } = does
  const { clock, step } = steppedClock()
  const world = {
    isConfirmed: false,
    isAnswering: false,
    pendingBefore: 0,
    hasRoom: true,
    frames: 0,
    isHonest: false,
  }
  const [ours, line] = new NullModem({ clock }).ends
  const never = new AbortController()
  let said: Kept['data'] | undefined
  const listening = ours.connect(never.signal).then(async connection => {
    for await (const { bytes } of connection) {
      world.frames += 1
      said = dataOf(bytes)
      if (answers && world.hasRoom) await connection.write(ACK)
    }
  })
  listening.catch(() => undefined)
  const test = new SelfTest({
    line,
    software: '0.2.0',
    withinMs: 5 * MINUTE_MS,
    kept: async word => {
      const data = said?.word === word ? keeps(said) : undefined
      return (
        data && {
          data,
          isConfirmed: () => world.isConfirmed,
          pendingBefore: () => world.pendingBefore,
        }
      )
    },
    hasRoom: async () => world.hasRoom,
    isHqAnswering: () => world.isAnswering,
    clock,
    random: seededRandom(1),
  })
  const stop = new AbortController()
  let verdict: SelfTestVerdict | undefined | 'none yet' = 'none yet'
  const honest = (): void => {
    world.isHonest = true
  }
  void test.run(stop.signal, honest).then(said => {
    verdict = said
  })
  const pass = async (ms: number): Promise<typeof verdict> => {
    for (let left = ms; left > 0; left -= 1_000) {
      for (let n = 0; n < 5; n += 1) await turn()
      step(Math.min(1_000, left))
    }
    for (let n = 0; n < 5; n += 1) await turn()
    return verdict
  }
  return { world, pass, stop }
}

/** As the dialect reads it, spelt here once more. */
function dataOf(frame: Uint8Array): Kept['data'] {
  const text = Buffer.from(frame.subarray(1, -2)).toString('latin1')
  const [, , word = '', software = '', , ...rest] = text.split('|')
  const minor = (amount = ''): number => Number(amount.replace('.', ''))
  const lineItems = rest.slice(0, -1).map((each, index) => {
    const [plu = '', description = '', quantity = '', amount] = each.split(';')
    return { lineNumber: index + 1, plu, description, quantity, amountMinor: minor(amount) }
  })
  return { software, word, lineItems, totalMinor: minor(rest.at(-1)) }
}

t.test('acknowledged, kept as it was said, confirmed by HQ: fit', async t => {
  const { world, pass } = shopThat({})
  t.equal(await pass(4_000), 'none yet', 'HQ may still confirm it')
  t.ok(world.isHonest, 'terminals need not wait for that')
  world.isConfirmed = true
  t.match(await pass(1_000), { type: 'fit', headquarters: 'confirmed' })
  t.equal(world.frames, 1, 'said once')
})

t.test('HQ is away: what the shop alone can prove is enough, once the time is over', async t => {
  const { pass } = shopThat({})
  t.equal(await pass(4 * MINUTE_MS), 'none yet')
  t.match(await pass(MINUTE_MS), { type: 'fit', headquarters: 'away' })
})

t.test('HQ answers and does not confirm it: unfit, but not in its first minute', async t => {
  const { world, pass } = shopThat({})
  await pass(5 * MINUTE_MS - 2_000)
  world.isAnswering = true
  t.equal(await pass(30_000), 'none yet', 'it was away until just now')
  t.match(await pass(LIMITS.selfTestAnsweringMs), { type: 'unfit', reason: /does not confirm/ })
})

t.test('HQ takes what came before: fit, for it does take what this version sends', async t => {
  const { world, pass } = shopThat({})
  world.isAnswering = true
  world.pendingBefore = 1_000
  for (let minute = 1; minute < 5; minute += 1) {
    world.pendingBefore -= 100
    t.equal(await pass(MINUTE_MS), 'none yet')
  }
  world.pendingBefore -= 100
  t.match(await pass(MINUTE_MS), { type: 'fit', headquarters: 'busy' })
})

t.test('HQ takes what came before, and then nothing more: unfit', async t => {
  const { world, pass } = shopThat({})
  world.isAnswering = true
  world.pendingBefore = 100
  await pass(MINUTE_MS)
  world.pendingBefore = 0
  t.equal(await pass(4 * MINUTE_MS - 2_000), 'none yet')
  t.match(await pass(2_000), { type: 'unfit', reason: /does not confirm/ })
})

t.test('a full disk proves nothing: the test waits for room', async t => {
  const { world, pass } = shopThat({})
  world.hasRoom = false
  t.equal(await pass(3 * LIMITS.selfTestMs), 'none yet')
  t.ok(world.isHonest, 'terminals hear that they have to wait')
  world.hasRoom = true
  world.isConfirmed = true
  t.match(await pass(4_000), { type: 'fit' })
})

t.test('an acknowledgement without a record: unfit', async t => {
  const { world, pass } = shopThat({ keeps: () => undefined })
  t.match(await pass(20_000), { type: 'unfit', lies: true, reason: /not in the journal/ })
  t.notOk(world.isHonest, 'no terminal may hear such an acknowledgement')
})

t.test('another amount in the journal than was said: unfit', async t => {
  const { pass } = shopThat({ keeps: data => ({ ...data, totalMinor: data.totalMinor + 1 }) })
  t.match(await pass(3_000), { type: 'unfit', lies: true, reason: /otherwise/ })
})

t.test('no acknowledgement: it is said again, and then unfit', async t => {
  const { world, pass } = shopThat({ answers: false })
  t.equal(await pass(LIMITS.selfTestMs - 2_000), 'none yet')
  t.ok(world.frames > 10, `said ${world.frames} times`)
  t.ok(world.isHonest, 'who acknowledges nothing says nothing false')
  t.match(await pass(4_000), { type: 'unfit', lies: false, reason: /not acknowledged/ })
})

t.test('a gateway that stops meanwhile gives no verdict', async t => {
  const { pass, stop } = shopThat({})
  await pass(1_000)
  stop.abort()
  t.equal(await pass(3_000), undefined)
})
