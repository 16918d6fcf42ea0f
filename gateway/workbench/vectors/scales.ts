import { fromHex } from '../../core/bytes.js'
import { createProtocol, type ProtocolOptions, protocolSchema } from '../../protocol/catalog.js'
import type { ReadMessage } from '../../protocol/protocol.js'
import { readTpv0Status } from '../../protocol/scale/tpv0.js'
import type { Adapter, Observed } from './adapter.js'
import { firstMessage } from './first-message.js'
import { mtSics } from './mt-sics.js'

/** What a scale's protocol makes of the bytes, and how a refusal of its checksum is called. */
function scale(options: {
  readonly type: ProtocolOptions['type']
  /** The key that says whether the checksum is right. */
  readonly checksum?: 'bcc_ok' | 'checksum_ok'
  readonly describe?: (message: ReadMessage) => Observed
  readonly options?: (hex: string) => Readonly<Record<string, unknown>>
}): Adapter {
  const { type, checksum, describe = describeWeight } = options
  return ({ hex, direction }) => {
    // What a host asks is text or one control character; TISA's price has a checksum as well.
    if (direction.startsWith('host') && type !== 'tisa') return { command: commandOf(fromHex(hex)) }
    const given = { type, ...options.options?.(hex) }
    const read = firstMessage(createProtocol(protocolSchema.parse(given)), fromHex(hex))
    if (!read.ok) return { error: read.error, ...(checksum ? { [checksum]: false } : {}) }
    return { ...describe(read.value), ...(checksum ? { [checksum]: true } : {}) }
  }
}

const CONTROLS: Readonly<Record<number, string>> = { 5: 'ENQ', 12: 'FF', 17: 'DC1' }

function commandOf(bytes: Uint8Array): string {
  return CONTROLS[bytes[0] ?? 0] ?? Buffer.from(bytes).toString('latin1').trim().toUpperCase()
}

function describeWeight({ name, fields }: ReadMessage): Observed {
  const { net, tare, motion, over } = fields
  const mode = { mode: net === true ? 'net' : 'gross' }
  if (name === 'weight') return { kind: name, stable: true, ...CLEAR, ...mode, ...fields }
  if (name === 'tare') return { kind: name, stable: true, mode: 'tare', weight: tare, ...fields }
  if (name !== 'status') return { kind: name, ...fields }
  const error = over === true ? { error: 'overload', overload: true } : {}
  return { kind: name, stable: motion !== true, weight: null, ...mode, ...fields, ...error }
}

const CLEAR = { motion: false, over: false, negative: false, zero: false }

/** OL stands where ST or US would: nothing says that it is stable. */
function describeContinuous(message: ReadMessage): Observed {
  const { over } = message.fields
  return { ...describeWeight(message), ...(over === true ? { stable: false } : {}) }
}

function describeTisa(message: ReadMessage): Observed {
  const { price } = message.fields
  return message.name === 'price'
    ? { command: '98', price }
    : { command: '99', ...describeWeight(message) }
}

function describeMagellan({ name, fields }: ReadMessage): Observed {
  if (name === 'weight') return { kind: name, stable: true, ...fields }
  if (name === 'status') return { kind: name, stable: false, ...fields }
  return { kind: 'scan', ...fields }
}

const tpv0Status: Adapter = ({ hex }) => {
  const character = Buffer.from(fromHex(hex)).toString('latin1')
  const status = readTpv0Status(character)
  if (status === undefined) return { error: 'no status', status_char: character }
  return { status_char: character, ...status, gross: !status.net, motion: !status.stable }
}

/** Scales, by the names that vectors give their protocols. */
export const SCALES: Readonly<Record<string, Adapter>> = {
  adam: scale({ type: 'adam' }),
  'cas-tedc1': scale({ type: 'cas-tedc1', checksum: 'bcc_ok' }),
  'continuous-st-gs': scale({ type: 'continuous-st-gs', describe: describeContinuous }),
  'dialog-06': scale({ type: 'dialog-06' }),
  'magellan-scanner-scale': scale({
    type: 'magellan',
    describe: describeMagellan,
    options: hex => ({ variant: hex.startsWith('02') ? 'ncr' : 'magellan' }),
  }),
  'mt-sics': mtSics,
  'nci-ecr': scale({ type: 'nci-ecr' }),
  'prix-iii': scale({ type: 'prix-iii' }),
  tec: scale({ type: 'tec', checksum: 'bcc_ok' }),
  tisa: scale({ type: 'tisa', checksum: 'checksum_ok', describe: describeTisa }),
  'toledo-8217': scale({ type: 'toledo-8217' }),
  'tpv0-a': scale({ type: 'tpv0' }),
  'tpv0-status': tpv0Status,
}
