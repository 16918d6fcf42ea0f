import { readFileSync } from 'node:fs'
import t from 'tap'
import { z } from 'zod'
import { inOwnMounts, SmallDisk } from '../support/small-disk.js'
import { TestShop } from '../support/test-shop.js'
import { until } from '../support/until.js'

inOwnMounts()

const TILLS = [
  { id: 'register-1', model: 'lrc', sales: 40, perMinute: 240 },
  { id: 'register-2', model: 'binary', sales: 40, perMinute: 240 },
] as const

t.setTimeout(120_000)

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
    const selling = shop.sell()
    await until('tills sell', async () => (await acknowledged()) > 10, 30_000)
    await until('there is a reserve', () => disk.holds('reserve'), 30_000)
    disk.fill({ leaving: 0 })
    await until('the alarm rings', () => /"alarm":"disk-full"/.test(log()), 30_000)
    const before = await acknowledged()
    await until('a till was told to wait', () => /TB_JOURNAL_(FULL|WRITE)/.test(log()), 30_000)
    disk.free()
    await until('they sell on', async () => (await acknowledged()) > before, 30_000)
    t.same(await selling, [0, 0], 'each till sold all it had to sell')
    await until('all is in the ledger', async () => (await live.update()).waiting === 0, 30_000)
    const report = await live.update()
    t.match(report, { acknowledged: 80, found: 80, lost: 0, doubled: 0, findings: [] })
    const alarms = async () => alarmsIn(readFileSync(await shop.exportLedger(), 'utf8'))
    await until('HQ has both alarms', async () => (await alarms()).length >= 2, 30_000)
    t.same(
      (await alarms()).filter(text => text.startsWith('disk-full')),
      ['disk-full raised', 'disk-full cleared'],
    )
    await until('the reserve is back', () => disk.holds('reserve'), 30_000)
  },
)

const row = z.object({ event: z.string().nullish() })
const alarm = z.object({
  type: z.literal('gateway.alarm'),
  data: z.object({ alarm: z.string(), state: z.string() }),
})

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
