import { ByteReader, toHex } from '../../core/bytes.js'

/** What a message of the bus says; a member that it does not have is left out. */
export interface MdbMessage {
  readonly name: string
  readonly fields: MdbFields
}

export type MdbFields = Readonly<Record<string, string | number | boolean | readonly number[]>>

export type Peripheral = 'coin-changer' | 'cashless' | 'bill-validator'

const PERIPHERALS: Readonly<Record<number, Peripheral>> = {
  8: 'coin-changer',
  16: 'cashless',
  48: 'bill-validator',
  96: 'cashless',
}

interface Command {
  readonly name: string
  /** Bytes with the address, without the checksum; several where a feature makes it longer. */
  readonly lengths: readonly number[]
  readonly read?: (reader: ByteReader) => MdbFields
}

const ANY_LENGTH = Array.from({ length: 35 }, (_, at) => at + 1)

/** What a peripheral or a controller is, and which optional features it has. */
export function readIdentity(reader: ByteReader): MdbFields {
  return {
    manufacturer: ascii(reader.take(3)),
    serial: ascii(reader.take(12)),
    model: ascii(reader.take(12)),
    version: toHex(reader.take(2)),
    ...(reader.remaining >= 4 ? { features: toHex(reader.take(4)) } : {}),
  }
}

const masks =
  (one: string, other: string) =>
  (reader: ByteReader): MdbFields => ({
    [one]: toHex(reader.take(2)),
    [other]: toHex(reader.take(2)),
  })

/** Price and item; with 32-bit money the price takes four bytes. */
const priced = (reader: ByteReader): MdbFields => ({
  price: reader.uintBE(reader.remaining >= 6 ? 4 : 2),
  item: reader.uintBE(2),
})

const amount = (reader: ByteReader): MdbFields => ({ amount: reader.uintBE(reader.remaining) })

/** By command, or by command and subcommand: `30` is command 3, subcommand 00. */
const CASHLESS: Readonly<Record<string, Command>> = {
  '0': { name: 'reset', lengths: [1] },
  '100': {
    name: 'setup-config',
    lengths: [6],
    read: reader => ({
      featureLevel: reader.uintBE(1),
      columns: reader.uintBE(1),
      rows: reader.uintBE(1),
      display: reader.uintBE(1),
    }),
  },
  '101': {
    name: 'setup-prices',
    lengths: [6, 12],
    read: reader => {
      const bytes = reader.remaining >= 10 ? 4 : 2
      return { maxPrice: reader.uintBE(bytes), minPrice: reader.uintBE(bytes) }
    },
  },
  '2': { name: 'poll', lengths: [1] },
  '300': { name: 'vend-request', lengths: [6, 8], read: priced },
  '301': { name: 'vend-cancel', lengths: [2] },
  '302': { name: 'vend-success', lengths: [4], read: reader => ({ item: reader.uintBE(2) }) },
  '303': { name: 'vend-failure', lengths: [2] },
  '304': { name: 'session-complete', lengths: [2] },
  '305': { name: 'cash-sale', lengths: [6, 10], read: priced },
  '306': { name: 'negative-vend-request', lengths: [6, 8], read: priced },
  '400': { name: 'reader-disable', lengths: [2] },
  '401': { name: 'reader-enable', lengths: [2] },
  '402': { name: 'reader-cancel', lengths: [2] },
  '403': {
    name: 'data-entry-response',
    lengths: [10],
    read: reader => ({ entered: ascii(reader.take(8).filter(byte => byte !== 0)) }),
  },
  '500': { name: 'revalue-request', lengths: [4, 6], read: amount },
  '501': { name: 'revalue-limit-request', lengths: [2] },
  '700': { name: 'expansion-request-id', lengths: [31], read: readIdentity },
  '704': {
    name: 'expansion-enable-options',
    lengths: [6],
    read: reader => ({ features: toHex(reader.take(4)) }),
  },
  '7255': { name: 'expansion-diagnostics', lengths: ANY_LENGTH },
}

const COIN_CHANGER: Readonly<Record<string, Command>> = {
  '0': { name: 'reset', lengths: [1] },
  '1': { name: 'setup', lengths: [1] },
  '2': { name: 'tube-status', lengths: [1] },
  '3': { name: 'poll', lengths: [1] },
  '4': { name: 'coin-type', lengths: [5], read: masks('coinEnable', 'manualDispenseEnable') },
  '5': {
    name: 'dispense',
    lengths: [2],
    read: reader => {
      const byte = reader.uintBE(1)
      return { coinType: byte & 0x0f, count: byte >> 4 }
    },
  },
  '700': { name: 'expansion-identification', lengths: [2] },
  '701': {
    name: 'expansion-feature-enable',
    lengths: [6],
    read: reader => ({ features: toHex(reader.take(4)) }),
  },
  '702': { name: 'expansion-payout', lengths: [3], read: amount },
  '703': { name: 'expansion-payout-status', lengths: [2] },
  '704': { name: 'expansion-payout-value-poll', lengths: [2] },
  '705': { name: 'expansion-send-diagnostic-status', lengths: [2] },
  '706': { name: 'expansion-controlled-manual-fill-report', lengths: [2] },
  '707': { name: 'expansion-controlled-manual-payout-report', lengths: [2] },
  '7255': { name: 'expansion-diagnostics', lengths: ANY_LENGTH },
}

const BILL_VALIDATOR: Readonly<Record<string, Command>> = {
  '0': { name: 'reset', lengths: [1] },
  '1': { name: 'setup', lengths: [1] },
  '2': { name: 'security', lengths: [3], read: reader => ({ security: toHex(reader.take(2)) }) },
  '3': { name: 'poll', lengths: [1] },
  '4': { name: 'bill-type', lengths: [5], read: masks('billEnable', 'billEscrowEnable') },
  '5': { name: 'escrow', lengths: [2], read: reader => ({ stack: reader.uintBE(1) !== 0 }) },
  '6': { name: 'stacker', lengths: [1] },
  '700': { name: 'expansion-identification', lengths: [2] },
  '701': {
    name: 'expansion-feature-enable',
    lengths: [6],
    read: reader => ({ features: toHex(reader.take(4)) }),
  },
  '702': { name: 'expansion-identification', lengths: [2] },
  '703': { name: 'expansion-recycler-setup', lengths: [2] },
  '705': { name: 'expansion-bill-dispense-status', lengths: [2] },
  '708': { name: 'expansion-payout-status', lengths: [2] },
  '709': { name: 'expansion-payout-value-poll', lengths: [2] },
  '7255': { name: 'expansion-diagnostics', lengths: ANY_LENGTH },
}

const COMMANDS: Readonly<Record<Peripheral, Readonly<Record<string, Command>>>> = {
  'coin-changer': COIN_CHANGER,
  cashless: CASHLESS,
  'bill-validator': BILL_VALIDATOR,
}

/** The address in the upper five bits, the command in the lower three. */
export function addressOf(data: Uint8Array): { address: number; command: number } {
  const first = data[0] ?? 0
  return { address: first & 0xf8, command: first & 0x07 }
}

export function peripheralAt(address: number): Peripheral | undefined {
  return PERIPHERALS[address]
}

/** How long this message of the controller may be, without its checksum. */
export function commandLengths(data: Uint8Array): readonly number[] {
  const command = commandOf(data)
  if (command !== undefined) return command.lengths
  return needsMore(data) ? [] : ANY_LENGTH
}

/** A controller's message, without its checksum; nothing where it is not known. */
export function readCommand(data: Uint8Array): MdbMessage | undefined {
  const command = commandOf(data)
  if (command === undefined || !command.lengths.includes(data.length)) return undefined
  const header = hasSubcommand(data) ? 2 : 1
  const reader = new ByteReader(data.subarray(header))
  return { name: command.name, fields: command.read?.(reader) ?? {} }
}

function commandOf(data: Uint8Array): Command | undefined {
  const { address, command } = addressOf(data)
  const peripheral = peripheralAt(address)
  if (peripheral === undefined) return undefined
  const commands = COMMANDS[peripheral]
  const plain = commands[String(command)]
  const sub = data[1]
  return plain ?? (sub === undefined ? undefined : commands[keyOf(command, sub)])
}

/** `302`: command 3, subcommand 02. */
function keyOf(command: number, sub: number): string {
  return `${command}${sub < 10 ? `0${sub}` : sub}`
}

function hasSubcommand(data: Uint8Array): boolean {
  const { address, command } = addressOf(data)
  const peripheral = peripheralAt(address)
  return peripheral !== undefined && COMMANDS[peripheral][String(command)] === undefined
}

/** The subcommand has not come yet. */
function needsMore(data: Uint8Array): boolean {
  return data.length < 2 && hasSubcommand(data)
}

function ascii(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1').trim()
}
