import type { BusConfig } from '../config/line.js'
import type { ShopConfig } from '../config/schema.js'
import { systemClock } from '../core/clock.js'
import { TillbridgeError } from '../core/errors.js'
import { fail, ok, type Result } from '../core/result.js'
import type { Dialect, LineSettings } from '../profile/dialect.js'
import { Bus } from '../terminal/bus.js'
import type { Shop } from './shop.js'
import { createTransport } from './transport.js'

const CHARACTER_BITS = 11
/** What a line behind a device server keeps, whose speed nobody here knows. */
const NETWORK_GAP_MS = 5
/** MODBUS over Serial Line V1.02, 2.5.1.1: above 19 200 baud the gap is fixed. */
const LEAST_GAP_MS = 1.75

/** A terminal of the configuration, and how it speaks. */
export interface Speaking {
  readonly terminal: ShopConfig['terminals'][number]
  readonly dialect: Dialect
}

/** The shared lines by their ids. @throws TillbridgeError TB_BUS_SETTINGS */
export function createBuses(shop: Shop, dialects: readonly Speaking[]): ReadonlyMap<string, Bus> {
  return new Map(
    shop.config.buses.map(config => {
      const settings = busSettings(config, membersOf(config, dialects))
      if (!settings.ok) throw settings.error
      const { id, line } = config
      const { baudRate } = { ...settings.value, ...line }
      const ownGapMs = Math.max(LEAST_GAP_MS, (3.5 * CHARACTER_BITS * 1000) / baudRate)
      const bus = new Bus({
        id,
        transport: createTransport(line, settings.value),
        gapMs: config.gapMs ?? (line.type === 'serial' ? ownGapMs : NETWORK_GAP_MS),
        clock: systemClock,
        logger: shop.logger.child({ room: 'terminal', bus: id }),
      })
      return [id, bus] as const
    }),
  )
}

/** What keeps the terminals of these lines from sharing them. */
export function busFaults(
  config: ShopConfig,
  dialects: readonly Speaking[],
): readonly TillbridgeError[] {
  return config.buses.flatMap(bus => {
    const settings = busSettings(bus, membersOf(bus, dialects))
    return settings.ok ? [] : [settings.error]
  })
}

function membersOf({ id }: BusConfig, dialects: readonly Speaking[]): readonly Speaking[] {
  return dialects.filter(({ terminal: { line } }) => line.type === 'bus' && line.bus === id)
}

const SETTINGS = ['baudRate', 'dataBits', 'parity', 'stopBits'] as const
const ANY: LineSettings = { baudRate: 9600, dataBits: 8, parity: 'none', stopBits: 1 }

/** What the bus says, and else what the dialects of all its terminals agree in. */
function busSettings(
  { id, line }: BusConfig,
  members: readonly Speaking[],
): Result<LineSettings, TillbridgeError> {
  const refuse = (message: string) =>
    fail(new TillbridgeError('TB_BUS_SETTINGS', `bus ${id}: ${message}`))
  // One of which too little is known is only listened to, and hears nothing.
  const talker = members.find(({ dialect }) => dialect.doubt === undefined && !asks(dialect))
  if (talker !== undefined)
    return refuse(`${talker.terminal.id} talks without being asked, and needs a line of its own`)
  const [first, ...others] = members
  const said = line.type === 'serial' ? line : {}
  for (const key of SETTINGS) {
    const other = others.find(({ dialect }) => dialect.line[key] !== first?.dialect.line[key])
    if (other !== undefined && first !== undefined && !(key in said)) {
      const [one, two] = [first, other].map(
        ({ terminal, dialect }) => `${terminal.id} has ${key} ${dialect.line[key]}`,
      )
      return refuse(`${one}, ${two}`)
    }
  }
  return ok(first?.dialect.line ?? ANY)
}

/** Whether its terminal is asked from the beginning; a link that only listens never writes. */
function asks({ link }: Dialect): boolean {
  const { effects } = link.next(link.initial, { type: 'opened' })
  return effects.some(effect => effect.type === 'write' && effect.replyWithinMs !== undefined)
}
