import { appendFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type Clock, systemClock } from '../../gateway/core/clock.js'
import { CashRegister } from '../../gateway/simulator/cash-register.js'
import { readTillLog, TillLog } from '../../gateway/simulator/till-log.js'
import { TILL_MODELS } from '../../gateway/simulator/till-model.js'
import { basketOf } from '../../gateway/simulator/till-sale.js'

const ACK = 0x06
const NAK = 0x15

/** Ten times as fast as life, so that a till's patience of seconds is not ours. */
const fastClock: Clock = {
  ...systemClock,
  monotonicMs: () => systemClock.monotonicMs() * 10,
  sleep: (ms, signal) => systemClock.sleep(ms / 10, signal),
  after: (ms, callback) => systemClock.after(ms / 10, callback),
}

/** The far end of a till's line: hears frames, and answers each as the test says. */
class FarEnd {
  readonly frames: string[] = []
  readonly #answer: (frame: string, count: number) => readonly number[]
  #listener: ((bytes: Uint8Array) => void) | undefined

  constructor(answer: (frame: string, count: number) => readonly number[]) {
    this.#answer = answer
  }

  readonly line = {
    onData: (listener: (bytes: Uint8Array) => void): (() => void) => {
      this.#listener = listener
      return () => {
        this.#listener = undefined
      }
    },
    write: async (bytes: Uint8Array): Promise<void> => {
      this.frames.push(Buffer.from(bytes).toString())
      const answer = this.#answer(this.frames.at(-1) ?? '', this.frames.length)
      setImmediate(() => this.say(answer))
    },
  }

  say(bytes: readonly number[]): void {
    this.#listener?.(Uint8Array.from(bytes))
  }
}

function register(
  path: string,
  far: FarEnd,
  sales: number,
): { readonly run: (signal?: AbortSignal) => Promise<CashRegister> } {
  const log = new TillLog({ path, till: 'register-1', numbered: true, clock: systemClock })
  const till = new CashRegister({
    line: far.line,
    log,
    clock: fastClock,
    encode: ({ sale, atMs }) => Buffer.from(`${sale.receiptNumber}:${sale.totalMinor}:${atMs}`),
    makeSale: n =>
      TILL_MODELS.lrc.saleOf(basketOf(7, n), { receiptNumber: n, businessDay: '2026-11-22' }),
    pauseMs: () => 0,
    sales,
  })
  return {
    run: async (signal = new AbortController().signal) => {
      await till.run(signal)
      log.close()
      return till
    },
  }
}

const logPath = (t: Test): string => join(t.testdir(), 'tills', 'register-1.ndjson')
const numbers = (far: FarEnd): string[] =>
  far.frames.map(frame => String(Number(frame.split(':')[0])))

t.test('a sale is written down before it goes out, and its acknowledgement after', async t => {
  const path = logPath(t)
  const seen: string[] = []
  const far = new FarEnd(() => {
    seen.push(readFileSync(path, 'utf8').trim().split('\n').at(-1) ?? '')
    return [ACK]
  })
  await register(path, far, 3).run()
  t.same(
    seen.map(line => JSON.parse(line).n),
    [1, 2, 3],
    'the log ends with the sale whose bytes arrive',
  )
  const types = readTillLog(path).map(entry => entry.type)
  t.same(types, ['till', ...Array.from({ length: 3 }, () => ['sale', 'acknowledged']).flat()])
})

t.test('it repeats the same frame after NAK and after silence, and only then goes on', async t => {
  const far = new FarEnd((_, count) => [[NAK], [], [0x41, ACK], [ACK]][count - 1] ?? [])
  const till = await register(logPath(t), far, 2).run()
  t.same(numbers(far), ['1', '1', '1', '2'])
  t.equal(new Set(far.frames.slice(0, 3)).size, 1)
  t.equal(till.repeats, 2)
})

t.test('what comes while it waits for nothing acknowledges nothing', async t => {
  const far = new FarEnd((_, count) => (count === 1 ? [ACK, ACK, ACK] : count < 4 ? [] : [ACK]))
  await register(logPath(t), far, 2).run()
  t.same(numbers(far), ['1', '2', '2', '2'])
})

t.test('switched off without an answer and on again, it repeats and counts on', async t => {
  const path = logPath(t)
  const deaf = new AbortController()
  const silent = new FarEnd((_, count) => {
    if (count === 2) deaf.abort()
    return count === 1 ? [ACK] : []
  })
  await register(path, silent, 4).run(deaf.signal)
  appendFileSync(path, '{"type":"sale","till":"regi') // the power went while it wrote
  const far = new FarEnd(() => [ACK])
  await register(path, far, 4).run()
  t.same(numbers(far), ['2', '3', '4'])
  t.equal(far.frames[0], silent.frames[1])
  const entries = readTillLog(path)
  t.same(
    entries.flatMap(entry => (entry.type === 'sale' ? [entry.n] : [])),
    [1, 2, 3, 4],
  )
})

t.test('every model sells what adds up, and the same again from the same seed', t => {
  for (const [name, model] of Object.entries(TILL_MODELS)) {
    const booking = { receiptNumber: 1, businessDay: '2026-11-22' }
    const sales = Array.from({ length: 200 }, (_, n) => model.saleOf(basketOf(1, n), booking))
    for (const sale of sales) {
      const sum = sale.lineItems.reduce((total, item) => total + item.amountMinor, 0)
      const paid = sale.tenders.reduce((total, tender) => total + tender.amountMinor, 0)
      if (sum !== sale.totalMinor || paid !== sum + (sale.changeMinor ?? 0))
        t.fail(`${name}: ${JSON.stringify(sale)}`)
    }
    t.same(sales[17], model.saleOf(basketOf(1, 17), booking))
    t.ok(new Set(sales.map(sale => JSON.stringify(sale))).size > 190)
    t.equal(
      sales.every(sale => sale.receiptNumber !== undefined),
      model.numbered,
    )
  }
  t.end()
})
