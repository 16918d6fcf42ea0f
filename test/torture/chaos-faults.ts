import { systemClock } from '../../gateway/core/clock.js'
import type { Random } from '../../gateway/core/random.js'
import { below } from '../support/sample.js'
import type { ChaosShop, Door } from './chaos-shop.js'

/** One way to hurt a shop. */
export interface Fault {
  readonly name: string
  /** Only one fault at a time is on each of these. */
  readonly targets: readonly string[]
  /** Only a time-out notices it: recovery takes longer than a short run has. */
  readonly isSlow: boolean
  /** Until what it does by itself is over; the shop may be far from recovered. */
  strike(): Promise<void>
}

/** A trap that nothing walks into is given up. */
const TRAP_MS = 5_000
/** They are closed while the broker is replaced. */
const LINKS = ['link shop', 'link hq']

export function faultsOf(chaos: ChaosShop, random: Random): readonly Fault[] {
  const doors = Object.entries(chaos.doors)
  return [
    ...doors.flatMap(([name, door]) => linkFaults({ name, door, random })),
    ...processFaults(chaos, random),
  ]
}

function linkFaults(on: {
  readonly name: string
  readonly door: Door
  readonly random: Random
}): readonly Fault[] {
  const { name, door, random } = on
  const { link, trap } = door
  const target = `link ${name}`
  const broken = name === 'database' ? 'COMMIT' : 'PUBACK'
  const lasting = (fault: string, begin: () => void, longestMs: number): Fault => ({
    name: `${target}: ${fault}`,
    targets: [target],
    isSlow: false,
    strike: async () => {
      begin()
      await systemClock.sleep(longestMs * (0.2 + 0.8 * random.unit()))
      link.restore()
    },
  })
  const atOnce = (fault: string, strike: () => void, isSlow = false): Fault => ({
    name: `${target}: ${fault}`,
    targets: [target],
    isSlow,
    strike: async () => strike(),
  })
  const trapped = (way: 'there' | 'back', bytes: number): Fault => ({
    name: `${target}: reset within a ${broken} ${way}`,
    targets: [target],
    isSlow: false,
    strike: async () => {
      const { sprung } = trap
      trap.set(way, below(random, bytes))
      for (let waitedMs = 0; trap.sprung === sprung && waitedMs < TRAP_MS; waitedMs += 50)
        await systemClock.sleep(50)
      trap.open()
    },
  })
  return [
    atOnce('cut', () => link.cut()),
    lasting('pulled', () => link.pull(), 4_000),
    lasting('stalled', () => link.stall(), 5_000),
    { ...lasting('stalled for long', () => link.stall(), 30_000), isSlow: true },
    atOnce('half open there', () => link.halfOpen('there'), true),
    atOnce('half open back', () => link.halfOpen('back'), true),
    lasting('1 kB/s', () => link.slow({ bytesPerSecond: 1_000 }), 6_000),
    lasting('0.3 s late', () => link.slow({ delayMs: 300 }), 6_000),
    trapped('back', 4),
    ...(name === 'database' ? [] : [trapped('there', 4)]),
  ]
}

function processFaults(chaos: ChaosShop, random: Random): readonly Fault[] {
  const { shop, postgres, tills } = chaos
  const of = (
    name: string,
    strike: () => Promise<unknown> | unknown,
    ...more: string[]
  ): Fault => ({
    name,
    targets: [name.slice(0, name.indexOf(':')), ...more],
    isSlow: false,
    strike: async () => void (await strike()),
  })
  const oneOf = <Item>(items: readonly Item[]): Item | undefined =>
    items[below(random, items.length)]
  const restartDatabase = async (): Promise<void> => {
    await postgres.kill()
    await systemClock.sleep(2_000 * random.unit())
    await postgres.start()
  }
  return [
    of('gateway: kill -9', () => shop.gateway.kill('SIGKILL')),
    of('gateway: SIGTERM', () => shop.gateway.kill('SIGTERM')),
    of('broker: kill -9', () => chaos.killBroker(), ...LINKS),
    of('receiver: kill -9', () => oneOf(shop.receivers)?.kill('SIGKILL')),
    of('receiver: SIGTERM', () => oneOf(shop.receivers)?.kill('SIGTERM')),
    of('receiver: frozen', async () => {
      const receiver = oneOf(shop.receivers)
      receiver?.kill('SIGSTOP')
      await systemClock.sleep(1_000 + 4_000 * random.unit())
      receiver?.kill('SIGCONT')
    }),
    of('database: immediate stop', restartDatabase),
    of('till: kill -9', () => oneOf(tills)?.kill('SIGKILL')),
    of(
      'everything at HQ: kill -9',
      async () => {
        for (const receiver of shop.receivers) receiver.kill('SIGKILL')
        await Promise.all([chaos.killBroker(), restartDatabase()])
      },
      ...LINKS,
      'broker',
      'receiver',
      'database',
    ),
  ]
}
