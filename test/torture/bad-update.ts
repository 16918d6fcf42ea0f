import { existsSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { CheckReport } from '../../gateway/simulator/ledger-checker.js'
import { readTillLog } from '../../gateway/simulator/till-log.js'
import { notifySocket } from '../support/notify-socket.js'
import { StandInSystemd } from '../support/stand-in-systemd.js'
import { TestShop, type TestTill } from '../support/test-shop.js'
import { until } from '../support/until.js'
import { BAD_VERSIONS, type BadVersion, installVersion } from './bad-version.js'
import type { UnitResult } from './unit.js'

const TILLS: readonly TestTill[] = [
  { id: 'register-1', model: 'lrc', perMinute: 1_200 },
  { id: 'register-2', model: 'binary', perMinute: 1_200 },
]
const GOOD = '1.0.0'
const BAD = '2.0.0'
/** Sales before, and after. */
const SALES = 40
const WATCHDOG_MS = 20_000
const PATIENCE_MS = 900_000

export interface BadUpdate {
  readonly report: CheckReport
  readonly isSound: boolean
  /** Why the version before is in use again. */
  readonly wentBack: string
  /** Starts of the bad version. */
  readonly starts: number
  /** From the end of the good version until it was the one in use again. */
  readonly backMs: number
  /** The longest that the shop heard no acknowledgement. */
  readonly silentMs: number
  /** As `tillbridge hq export` gives them. */
  readonly rows: string
}

const KINDS = Object.keys(BAD_VERSIONS).filter((name): name is BadVersion => name in BAD_VERSIONS)

/** One bad version after the other. */
export async function judgeBadUpdate(options: {
  readonly unit: number
  readonly seed: number
}): Promise<UnitResult> {
  const { unit, seed } = options
  const bad = KINDS[(unit - 1) % KINDS.length] ?? 'lies'
  const { report, isSound, wentBack, starts, backMs, silentMs } = await updateTo({ bad, seed })
  const what = isSound ? [] : [JSON.stringify({ ...report, tills: undefined })]
  return {
    points: 1,
    counts: {
      [`${bad}: sales acknowledged`]: report.acknowledged,
      [`${bad}: lost`]: report.lost,
      [`${bad}: doubled`]: report.doubled,
      [`${bad}: starts`]: starts,
      [`${bad}: back after s`]: Math.round(backMs / 1_000),
      [`${bad}: longest silence s`]: Math.round(silentMs / 1_000),
    },
    findings:
      what.length === 0 ? [] : [{ unit, point: `${bad}: ${wentBack}`, what, kept: 'nothing' }],
  }
}

/**
 * Tills sell, a bad version is installed and started as an upgrade starts it, and the tills sell on
 * until it has gone back by itself; then the checker holds their own logs against HQ's ledger.
 */
export async function updateTo(options: {
  readonly bad: BadVersion
  readonly seed: number
}): Promise<BadUpdate> {
  const { bad, seed } = options
  const shop = await TestShop.start({ tills: TILLS, seed, isGatewayAway: true })
  const cleanUps: (() => unknown)[] = [() => shop.stop()]
  try {
    const notify = await notifySocket({ teardown: cleanUp => void cleanUps.unshift(cleanUp) })
    const [home, state] = [join(shop.directory, 'opt'), join(shop.directory, 'state')]
    installVersion({ home, state, version: GOOD })
    const { config } = shop.paths
    const systemd = new StandInSystemd({
      ...{ home, state, config, log: shop.paths.log('gateway'), restartMs: 200 },
      notify: { ...notify, watchdogMs: WATCHDOG_MS },
    })
    cleanUps.unshift(() => systemd.stop())
    systemd.start()
    const enough = new AbortController()
    const selling = shop.sell(enough.signal)
    await until('it sells', () => acknowledged(shop).length >= SALES, PATIENCE_MS)
    installVersion({ home, state, version: BAD, bad })
    const [startsBefore, fromMs] = [systemd.starts, performance.now()]
    systemd.restart()
    const wentBack = join(home, 'went-back')
    await until('it went back', () => existsSync(wentBack), PATIENCE_MS)
    await until('that is in use', () => readlinkSync(join(home, 'current')).endsWith(GOOD))
    const backMs = performance.now() - fromMs
    // The last one was of the version before.
    const starts = systemd.starts - startsBefore - 1
    const sold = acknowledged(shop).length
    await until('it sells again', () => acknowledged(shop).length >= sold + SALES, PATIENCE_MS)
    enough.abort()
    await selling
    const live = shop.liveCheck()
    await until('all is at HQ', async () => (await live.update()).waiting === 0, PATIENCE_MS)
    const reason = readFileSync(wentBack, 'utf8').trim()
    const silentMs = longestGap(acknowledged(shop))
    await systemd.stop()
    return { ...(await shop.judge()), wentBack: reason, starts, backMs, silentMs }
  } finally {
    for (const cleanUp of cleanUps) await cleanUp()
  }
}

/** When each sale of each till was acknowledged, in order. */
function acknowledged(shop: TestShop): readonly number[] {
  return TILLS.map(({ id }) => shop.paths.tillLog(id))
    .filter(existsSync)
    .flatMap(log => readTillLog(log))
    .filter(({ type }) => type === 'acknowledged')
    .map(({ atMs }) => atMs)
    .sort((one, other) => one - other)
}

function longestGap(times: readonly number[]): number {
  return times.reduce((longest, atMs, index) => {
    return Math.max(longest, atMs - (times[index - 1] ?? atMs))
  }, 0)
}
