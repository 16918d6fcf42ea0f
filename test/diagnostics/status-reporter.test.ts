import t from 'tap'
import { type Clock, systemClock } from '../../gateway/core/clock.js'
import { silentLogger } from '../../gateway/core/log.js'
import { StatusReporter } from '../../gateway/diagnostics/status-reporter.js'
import type { StoreStatus } from '../../gateway/wire/status.js'
import { onlineStatus } from '../support/online-status.js'

const STATUS = onlineStatus({ records: 1, backlog: 1 })

interface Look {
  readonly status: StoreStatus
  readonly hqReconnected?: true
}

/** Runs the reporter for as many looks as `script` has, a virtual second each. */
async function report(
  script: readonly Look[],
): Promise<{ readonly shop: readonly number[]; readonly hq: readonly number[] }> {
  const shop: number[] = []
  const hq: number[] = []
  const ended = new AbortController()
  let look = 0
  const clock: Clock = {
    ...systemClock,
    monotonicMs: () => look * 1000,
    sleep: async () => {
      look += 1
      if (script[look]?.hqReconnected) reporter.hqReconnected()
      if (look === script.length) ended.abort()
    },
  }
  const reporter = new StatusReporter({
    compose: () => script[look]?.status ?? STATUS,
    toShop: async () => void shop.push(look),
    toHq: async () => void hq.push(look),
    clock,
    logger: silentLogger,
  })
  await reporter.run(ended.signal)
  return { shop, hq }
}

function counted(backlog: number): Look {
  return { status: { ...STATUS, journal: { ...STATUS.journal, records: backlog, backlog } } }
}

t.test('the shop hears every change, HQ counters once a minute', async t => {
  const { shop, hq } = await report(Array.from({ length: 130 }, (_, second) => counted(second)))
  t.equal(shop.length, 130)
  t.same(hq, [0, 60, 120])
})

t.test('nobody hears what did not change', async t => {
  const { shop, hq } = await report(Array.from({ length: 50 }, () => ({ status: STATUS })))
  t.same(shop, [0])
  t.same(hq, [0])
})

t.test('HQ hears a change of state at once, and everything anew after a reconnect', async t => {
  const unsure: StoreStatus = { ...STATUS, clock: 'unsure' }
  const { hq } = await report([
    { status: STATUS },
    { status: unsure },
    { status: unsure },
    { status: unsure, hqReconnected: true },
  ])
  t.same(hq, [0, 1, 3])
})

t.test('while HQ is away nothing is sent to it', async t => {
  const away: StoreStatus = { ...STATUS, uplink: { state: 'offline' } }
  const { hq } = await report([{ status: away }, { status: away }, { status: STATUS }])
  t.same(hq, [2])
})
