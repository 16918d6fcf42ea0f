import { type Clock, systemClock } from '../core/clock.js'
import { type Random, seededRandom } from '../core/random.js'
import type { Dialect } from '../profile/dialect.js'
import type { ProfileRegistry } from '../profile/registry.js'
import { BarcodeScanner } from './barcode-scanner.js'
import { CashRegister } from './cash-register.js'
import { CoinAcceptor } from './coin-acceptor.js'
import { JsonTill } from './json-till.js'
import { ModbusDevice } from './modbus-device.js'
import { coldRoomMemory, meterMemory } from './modbus-models.js'
import { PaymentTerminal } from './payment-terminal.js'
import { PolledScale } from './polled-scale.js'
import { openPseudoTerminal, type PseudoTerminal } from './pseudo-terminal.js'
import { ReceiptRegister } from './receipt-register.js'
import { Scale } from './scale.js'
import { SCALE_MODELS, type ScaleModelName } from './scale-models.js'
import { SsiScanner } from './ssi-scanner.js'
import { TillLog } from './till-log.js'
import { TILL_MODELS, type TillModelName, timeOf } from './till-model.js'
import { basketOf } from './till-sale.js'
import { VendingMachine } from './vending-machine.js'
import { runZvt } from './zvt-run.js'

/** What kind of terminal to simulate; `log` is the till's own fsynced memory. */
export type TerminalKind =
  | {
      readonly type: 'register'
      readonly model: TillModelName
      readonly log: string
      /** Sells this many in all, over restarts; without: until told to stop. */
      readonly sales?: number
      /** Its receipt numbers start over behind this sale, within the same business day. */
      readonly resetCounterAfter?: number
    }
  | {
      readonly type:
        | 'scanner'
        | 'ssi-scanner'
        | 'payment'
        | 'zvt'
        | 'coins'
        | 'receipts'
        | 'meter'
        | 'cold-room'
        | 'json-till'
    }
  /** `calls`: it begins a session by itself. */
  | { readonly type: 'vending'; readonly calls: boolean }
  /** Without a model it speaks MT-SICS. */
  | { readonly type: 'scale'; readonly model?: ScaleModelName }

/** The profile to configure for each kind that is not a till. */
const DEVICE_PROFILES = {
  scanner: { profile: 'generic/aim-scanner', firmware: '1.0' },
  'ssi-scanner': { profile: 'zebra/ssi', firmware: '1.0' },
  scale: { profile: 'mettler-toledo/mt-sics', firmware: '1.0' },
  payment: { profile: 'transbank/pos', firmware: '1.0' },
  zvt: { profile: 'zvt/terminal-serial', firmware: '1' },
  coins: { profile: 'vending/cctalk-coin-acceptor', firmware: '1' },
  meter: { profile: 'eastron/sdm', firmware: '1' },
  'cold-room': { profile: 'dixell/xr', firmware: '1' },
  'json-till': { profile: 'generic/cloud-events-till', firmware: '1.0' },
  vending: { profile: 'vending/dex', firmware: '6' },
  receipts: { profile: 'generic/esc-pos-register', firmware: '1.0' },
} as const

export interface TerminalOptions {
  readonly id: string
  readonly kind: TerminalKind
  /** The stable name of its port. */
  readonly link: string
  /** Uses a minute, on average. */
  readonly perMinute: number
  readonly seed: number
  readonly timeZone: string
}

export interface SimulatedTerminal {
  /** Until the signal aborts, or a till has sold all it was to sell; then its line is closed. */
  run(signal: AbortSignal): Promise<void>
}

export function profileOf(kind: TerminalKind): {
  readonly profile: string
  readonly firmware: string
} {
  if (kind.type === 'register') return TILL_MODELS[kind.model]
  if (kind.type === 'scale' && kind.model !== undefined) return SCALE_MODELS[kind.model]
  return DEVICE_PROFILES[kind.type]
}

/**
 * Plugs a terminal in: its port is there when this returns.
 * @throws TillbridgeError TB_PTY_UNAVAILABLE, TB_PROFILE_UNKNOWN
 */
export function openSimulatedTerminal(
  options: TerminalOptions,
  registry: ProfileRegistry,
): SimulatedTerminal {
  const dialect = registry.dialectOf(profileOf(options.kind))
  if (!dialect.ok) throw dialect.error
  const line = openPseudoTerminal({ link: options.link })
  const run = makeTerminal({ options, dialect: dialect.value, line })
  return {
    run: async signal => {
      try {
        await run(signal)
      } finally {
        line.close()
      }
    },
  }
}

interface Parts {
  readonly options: TerminalOptions
  readonly dialect: Dialect
  readonly line: PseudoTerminal
}

function makeTerminal(parts: Parts): (signal: AbortSignal) => Promise<void> {
  const { options, dialect, line } = parts
  const { kind, timeZone, seed } = options
  if (kind.type === 'register') return runRegister(parts, kind)
  const random = seededRandom(seed)
  const clock = systemClock
  const device = { line, dialect, clock, random, pauseMs: pauses(options.perMinute, random) }
  switch (kind.type) {
    case 'scanner':
      return signal => new BarcodeScanner(device).run(signal)
    case 'ssi-scanner':
      return signal => new SsiScanner(device).run(signal)
    case 'scale': {
      const { model } = kind
      return model === undefined
        ? signal => new Scale(device).run(signal)
        : signal => new PolledScale({ ...device, model }).run(signal)
    }
    case 'coins':
      return signal => new CoinAcceptor(device).run(signal)
    case 'meter':
      return signal =>
        new ModbusDevice({ ...device, unit: 1, memory: meterMemory(random) }).run(signal)
    case 'cold-room': {
      const identity = ['Dixell', 'XR60C', '2.4']
      const memory = coldRoomMemory(random)
      return signal => new ModbusDevice({ ...device, unit: 1, memory, identity }).run(signal)
    }
    case 'vending': {
      const { calls } = kind
      return signal => new VendingMachine({ ...device, calls }).run(signal)
    }
    case 'json-till':
      return signal => new JsonTill({ ...device, timeZone }).run(signal)
    case 'payment':
      return signal => new PaymentTerminal({ ...device, timeZone }).run(signal)
    case 'receipts':
      return signal => new ReceiptRegister({ ...device, seed }).run(signal)
    case 'zvt':
      return signal => runZvt({ line, clock, random }, signal)
  }
}

function runRegister(
  { options, dialect, line }: Parts,
  kind: Extract<TerminalKind, { type: 'register' }>,
): (signal: AbortSignal) => Promise<void> {
  const { id, seed, timeZone, perMinute } = options
  const { resetCounterAfter: reset = Number.POSITIVE_INFINITY } = kind
  const model = TILL_MODELS[kind.model]
  const clock: Clock = systemClock
  const log = new TillLog({ path: kind.log, till: id, numbered: model.numbered, clock })
  const register = new CashRegister({
    line,
    log,
    clock,
    encode: begun => model.frameOf(dialect, { ...begun, timeZone }),
    makeSale: n =>
      model.saleOf(basketOf(seed, n), {
        receiptNumber: n > reset ? n - reset : n,
        businessDay: timeOf(clock.wallMs(), timeZone).date,
      }),
    pauseMs: pauses(perMinute, seededRandom(seed + log.memory.sales)),
    ...(kind.sales === undefined ? {} : { sales: kind.sales }),
  })
  return async signal => {
    await register.run(signal)
    log.close()
  }
}

/** Half to one and a half of the mean, so that terminals drift apart as they do in life. */
function pauses(perMinute: number, random: Random): () => number {
  return () => (60_000 / perMinute) * (0.5 + random.unit())
}
