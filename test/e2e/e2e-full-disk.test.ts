import { readFileSync } from 'node:fs'
import t from 'tap'
import { z } from 'zod'
import { inOwnMounts, SmallDisk } from '../support/small-disk.js'
import { TestShop } from '../support/test-shop.js'
import { until } from '../support/until.js'

inOwnMounts()

/** They sell until all has been seen. */
const TILLS = [
  { id: 'register-1', model: 'lrc', perMinute: 240 },
  { id: 'register-2', model: 'binary', perMinute: 240 },
] as const

t.setTimeout(600_000)

t.test(
  "the gateway's disk fills while tills sell: they wait, HQ is told, none is lost",
  async t => {
    const disk = new SmallDisk(t, { mib: 512 })
    const { directory } = disk
    const shop = await TestShop.start({ tills: TILLS, seed: 7, gatewayDisk: directory })
    t.teardown(() => shop.stop())
    const live = shop.liveCheck()
    const acknowledged = async (): Promise<number> => (await live.update()).acknowledged
    const log = () => readFileSync(shop.paths.log('gateway'), 'utf8')
    const enough = new AbortController()
    const selling = shop.sell(enough.signal)
    await until('tills sell', async () => (await acknowledged()) > 10)
    await until('there is a reserve', () => disk.holds('reserve'))
    disk.fill({ leaving: 0 })
    await until('the alarm rings', () => /"alarm":"disk-full"/.test(log()))
    const before = await acknowledged()
    await until('a till was told to wait', () => /TB_JOURNAL_(FULL|WRITE)/.test(log()))
    disk.free()
    await until('they sell on', async () => (await acknowledged()) > before)
    enough.abort()
    t.same(await selling, [0, 0], 'each till finished the sale in hand')
    await until('all is in the ledger', async () => (await live.update()).waiting === 0)
    const report = await live.update()
    const { sent } = report
    t.match(report, { acknowledged: sent, found: sent, lost: 0, doubled: 0, findings: [] })
    const alarms = async () =>
      alarmsIn(readFileSync(await shop.exportLedger(), 'utf8')).filter(isOfTheDisk)
    await until('HQ has both alarms', async () => (await alarms()).length >= 2)
    t.same(await alarms(), ['disk-full raised', 'disk-full cleared'])
    await until('the reserve is back', () => disk.holds('reserve'))
  },
)

const row = z.object({ event: z.string().nullish() })
const alarm = z.object({
  type: z.literal('gateway.alarm'),
  data: z.object({ alarm: z.string(), state: z.string() }),
})

const isOfTheDisk = (text: string): boolean => text.startsWith('disk-full')

function alarmsIn(rows: string): readonly string[] {
  return rows
    .split('\n')
    .filter(line => line !== '')
    .flatMap(line => {
      const { event } = row.parse(JSON.parse(line))
      const parsed = alarm.safeParse(JSON.parse(event ?? '{}'))
      return parsed.success ? [`${parsed.data.data.alarm} ${parsed.data.data.state}`] : []
    })
}
