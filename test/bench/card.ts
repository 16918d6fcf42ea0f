// usage: npm run bench:card -- [SALES] [IDLE SECONDS]     as root: it mounts an ext4 of its own
// What a shop writes to its card: the gateway's data directory on a file system of its own, four
// tills one sale after the other, HQ that confirms; then a shop that is open and sells nothing.
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { inOwnMounts, SmallDisk } from '../support/small-disk.js'
import { TestShop } from '../support/test-shop.js'
import { until } from '../support/until.js'
import { say } from './report.js'

const [sales = 400, idleSeconds = 600] = process.argv.slice(2).map(Number)
const SECTOR_BYTES = 512
const SALES_A_DAY = 2_000
const DAY_SECONDS = 24 * 60 * 60

inOwnMounts()

const cleanUps: (() => unknown)[] = []
const disk = new SmallDisk({ teardown: cleanUp => void cleanUps.push(cleanUp) }, { mib: 1024 })
const tills = [1, 2, 3, 4].map(n => ({
  id: `register-${n}`,
  model: n % 2 === 0 ? ('binary' as const) : ('lrc' as const),
  sales: sales / 4,
  perMinute: 30,
}))
const shop = await TestShop.start({ tills, seed: 8, gatewayDisk: disk.directory })
const live = shop.liveCheck()

/** What reached the device, all that the file system adds to it among it; and what we wrote. */
function written(): { readonly device: number; readonly process: number } {
  const { state } = shop.gateway
  const io = readFileSync(`/proc/${'pid' in state ? state.pid : ''}/io`, 'utf8')
  const sectors = readFileSync(`/sys/class/block/${disk.device}/stat`, 'utf8').trim().split(/\s+/)
  return {
    device: Number(sectors[6]) * SECTOR_BYTES,
    process: Number(/^write_bytes: (\d+)/m.exec(io)?.[1]),
  }
}

async function during(what: () => Promise<unknown>) {
  const before = written()
  await what()
  // The kernel writes the rest of its own accord within half a minute.
  await delay(35_000)
  const after = written()
  return { device: after.device - before.device, process: after.process - before.process }
}

await until('it is at rest', () => disk.holds('reserve'))
await delay(35_000)
const selling = await during(async () => {
  await shop.sell()
  await until('HQ has all of it', async () => (await live.update()).found === sales)
})
const idle = await during(() => delay(idleSeconds * 1000))
const kib = (bytes: number): string => `${(bytes / 1024).toFixed(1)} KiB`
const mibADay = (bytes: number): string => `${(bytes / 1024 ** 2).toFixed(1)} MiB`
const aSale = selling.device / sales
const idleDay = (idle.device / (idleSeconds + 35)) * DAY_SECONDS
say(`${sales} sales: the device ${kib(aSale)} a sale, the process ${kib(selling.process / sales)}`)
say(`idle: the device ${mibADay(idleDay)} a day`)
say(`a day of ${SALES_A_DAY} sales: ${mibADay(aSale * SALES_A_DAY + idleDay)}`)
await shop.stop()
for (const cleanUp of cleanUps) cleanUp()
