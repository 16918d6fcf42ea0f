import { Command, InvalidArgumentError } from 'commander'
import { systemClock } from '../../core/clock.js'
import { messageOf } from '../../core/errors.js'
import { seededRandom } from '../../core/random.js'
import { loadRegistry } from '../../profile/registry.js'
import { isScaleModelName, type ScaleModelName } from '../../simulator/scale-models.js'
import {
  openSimulatedTerminal,
  type SimulatedTerminal,
  type TerminalKind,
  type TerminalOptions,
} from '../../simulator/simulated-terminal.js'
import { isTillModelName, type TillModelName } from '../../simulator/till-model.js'
import { listenZvt } from '../../simulator/zvt-run.js'
import { EXIT, exitCodeOf } from '../exit-codes.js'
import type { CliIo } from '../io.js'
import { lineIn } from '../profile/line-flags.js'
import { stopSignal } from '../stop-signal.js'
import { timeZoneOption } from '../time-zone.js'

interface CommonOptions {
  readonly link: string
  readonly perMinute: number
  readonly seed: number
  readonly timeZone: string
}

interface RegisterOptions extends CommonOptions {
  readonly id: string
  readonly log: string
  readonly model: TillModelName
  readonly sales?: number
  readonly resetCounterAfter?: number
}

interface ScaleOptions extends CommonOptions {
  readonly model?: ScaleModelName
}

interface ZvtOptions {
  readonly link?: string
  readonly listen?: { readonly host: string; readonly port: number }
  readonly seed: number
}

type DeviceType = Exclude<TerminalKind['type'], 'register' | 'scale' | 'vending' | 'zvt'>

/** `tillbridge simulate <kind>`: one terminal to point a gateway at. */
export function simulateCommand(io: CliIo): Command {
  const register = terminalCommand('register')
    .description('a till that repeats each sale until it is acknowledged')
    .requiredOption('--id <id>', 'its name in its log')
    .requiredOption('--log <file>', "the till's own memory, on disk before it goes on")
    .option('--model <model>', 'lrc, binary or plain (no receipt numbers)', tillModel, 'lrc')
    .option('--sales <count>', 'stop after so many in all, over restarts', whole)
    .option('--reset-counter-after <count>', 'receipt numbers start over behind it', whole)
    .action(async (options: RegisterOptions) => {
      const { id, log, model, sales, resetCounterAfter } = options
      const limits = {
        ...(sales === undefined ? {} : { sales }),
        ...(resetCounterAfter === undefined ? {} : { resetCounterAfter }),
      }
      await runTerminal(io, { ...options, id, kind: { type: 'register', model, log, ...limits } })
    })
  const scale = terminalCommand('scale')
    .description('a scale that speaks MT-SICS, or answers as another model does')
    .option('--model <model>', 'toledo, cas or magellan', polledScale)
    .action((options: ScaleOptions) => {
      const { model } = options
      const kind = { type: 'scale', ...(model === undefined ? {} : { model }) } as const
      return runTerminal(io, { ...options, id: 'scale', kind })
    })
  const device = (type: DeviceType, description: string): Command =>
    terminalCommand(type)
      .description(description)
      .action((options: CommonOptions) => runTerminal(io, { ...options, id: type, kind: { type } }))
  const vending = terminalCommand('vending')
    .description('a vending machine that is audited over DEX')
    .option('--calls', 'it begins a session by itself', false)
    .action(({ calls, ...options }: CommonOptions & { readonly calls: boolean }) =>
      runTerminal(io, { ...options, id: 'vending', kind: { type: 'vending', calls } }),
    )
  return new Command('simulate')
    .description('one simulated terminal, to point a gateway at')
    .addCommand(register)
    .addCommand(device('scanner', 'a barcode scanner'))
    .addCommand(device('ssi-scanner', 'a barcode scanner on SSI, which repeats until acknowledged'))
    .addCommand(scale)
    .addCommand(device('meter', 'an Eastron energy meter on Modbus RTU, address 1'))
    .addCommand(device('cold-room', 'a Dixell controller on Modbus RTU, address 1'))
    .addCommand(device('json-till', 'a till that speaks JSON, and sells at the prices it is told'))
    .addCommand(device('coins', 'a ccTalk coin acceptor'))
    .addCommand(vending)
    .addCommand(device('payment', 'a payment terminal (Transbank POS Integrado)'))
    .addCommand(device('receipts', 'a register that only prints (ESC/POS)'))
    .addCommand(zvtCommand(io))
}

function zvtCommand(io: CliIo): Command {
  return new Command('zvt')
    .description('a ZVT payment terminal, which waits for its till')
    .option('--link <path>', 'where its port appears')
    .option('--listen <host:port>', 'where its till calls it over TCP instead', tcpAddress)
    .option('--seed <number>', 'the same seed declines the same cards', whole, 1)
    .action(async ({ link, listen, seed }: ZvtOptions) => {
      if (listen !== undefined && link === undefined) {
        const device = { clock: systemClock, random: seededRandom(seed) }
        return simulate(io, 'zvt', async () => {
          const { address, run } = await listenZvt(device, listen)
          return { at: address, run }
        })
      }
      if (link !== undefined && listen === undefined) {
        const pace = { perMinute: 1, timeZone: 'UTC' }
        return runTerminal(io, { id: 'zvt', kind: { type: 'zvt' }, link, seed, ...pace })
      }
      io.complain('zvt: expected its line; write --link <path> or --listen <host:port>')
      io.exit(EXIT.usage)
    })
}

function terminalCommand(name: string): Command {
  return new Command(name)
    .requiredOption('--link <path>', 'where its port appears')
    .option('--per-minute <count>', 'uses a minute, on average', positive, 30)
    .option('--seed <number>', 'the same seed sells the same', whole, 1)
    .addOption(timeZoneOption('of the clock in the terminal'))
}

function runTerminal(io: CliIo, terminal: TerminalOptions): Promise<void> {
  return simulate(io, terminal.id, async () => {
    const registry = await loadRegistry({ extraFolders: [] })
    if (!registry.ok) throw new Error(registry.error.join('\n'))
    return { ...openSimulatedTerminal(terminal, registry.value), at: terminal.link }
  })
}

async function simulate(
  io: CliIo,
  id: string,
  open: () => Promise<SimulatedTerminal & { readonly at: string }>,
): Promise<void> {
  try {
    const signal = stopSignal({ clock: systemClock, exit: code => io.exit(code) })
    const { at, run } = await open()
    io.print(`${id}: ${at}`)
    await run(signal)
  } catch (thrown) {
    io.complain(`${id}: ${messageOf(thrown)}`)
    io.exit(exitCodeOf(thrown))
  }
  io.exit(EXIT.ok)
}

function tillModel(text: string): TillModelName {
  if (!isTillModelName(text)) throw new InvalidArgumentError('expected lrc, binary or plain')
  return text
}

function polledScale(text: string): ScaleModelName {
  if (!isScaleModelName(text)) throw new InvalidArgumentError('expected toledo, cas or magellan')
  return text
}

function tcpAddress(text: string): { readonly host: string; readonly port: number } {
  const line = lineIn(text)
  if (line?.type !== 'tcp') throw new InvalidArgumentError('expected host:port')
  return line
}

function whole(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('expected a whole number')
  return Number(text)
}

function positive(text: string): number {
  const number = Number(text)
  if (!(number > 0)) throw new InvalidArgumentError('expected a number above 0')
  return number
}
