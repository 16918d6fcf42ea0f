import { createHash } from 'node:crypto'
import type { Clock } from './clock.js'
import type { Random } from './random.js'

declare const brand: unique symbol
type Branded<Name extends string> = string & { readonly [brand]: Name }

/**
 * A shop: `[a-z0-9-]{1,40}`, never `hq`, `enrol` or `listener`. Also its MQTT user name and
 * certificate CN.
 */
export type StoreId = Branded<'StoreId'>
/** A terminal within its shop: `[a-z0-9-]{1,40}`. */
export type TerminalId = Branded<'TerminalId'>
/** A gateway by its key, whichever store it is: five groups of four hex digits (wire/enrol.ts). */
export type DeviceId = Branded<'DeviceId'>
/** CloudEvents `id`: unique within its `source`. */
export type EventId = Branded<'EventId'>
/** One opening of a journal: `<ordinal>-<32 hex digits>`, the ordinal counting from 1. */
export type EpochId = Branded<'EpochId'>
/** One generation of a ledger, new when a database was restored: 32 hex digits. */
export type LedgerId = Branded<'LedgerId'>

/** The rule of a store id, in words for whoever wrote another. */
export const STORE_ID_RULE =
  '1 to 40 of a-z, 0-9 and -, and none of hq, enrol and listener, which HQ uses itself'

/** The rule of each id; the schemas of outside data (core/id-schema.ts) state the same. */
export const ID_PATTERNS = {
  store: /^(?!(?:hq|enrol|listener)$)[a-z0-9-]{1,40}$/,
  terminal: /^[a-z0-9-]{1,40}$/,
  device: /^[0-9a-f]{4}(?:-[0-9a-f]{4}){4}$/,
  event: /^.{1,200}$/,
  epoch: /^[1-9]\d{0,8}-[0-9a-f]{32}$/,
  ledger: /^[0-9a-f]{32}$/,
} as const

export function isStoreId(text: string): text is StoreId {
  return ID_PATTERNS.store.test(text)
}

export function isTerminalId(text: string): text is TerminalId {
  return ID_PATTERNS.terminal.test(text)
}

export function isDeviceId(text: string): text is DeviceId {
  return ID_PATTERNS.device.test(text)
}

function isEpochId(text: string): text is EpochId {
  return ID_PATTERNS.epoch.test(text)
}

function isLedgerId(text: string): text is LedgerId {
  return ID_PATTERNS.ledger.test(text)
}

function isEventId(text: string): text is EventId {
  return ID_PATTERNS.event.test(text)
}

/** @throws RangeError where the text breaks the rule of its type. */
function checked<Id extends string>(
  text: string,
  rule: (text: string) => text is Id & string,
  name: string,
): Id {
  if (!rule(text)) throw new RangeError(`not a ${name}: ${JSON.stringify(text.slice(0, 60))}`)
  return text
}

export const storeId = (text: string): StoreId => checked(text, isStoreId, 'store id')
export const terminalId = (text: string): TerminalId => checked(text, isTerminalId, 'terminal id')
export const deviceId = (text: string): DeviceId => checked(text, isDeviceId, 'device id')
export const epochId = (text: string): EpochId => checked(text, isEpochId, 'epoch id')
export const ledgerId = (text: string): LedgerId => checked(text, isLedgerId, 'ledger id')
export const eventId = (text: string): EventId => checked(text, isEventId, 'event id')

export function newEpochId(ordinal: number, random: Random): EpochId {
  return epochId(`${ordinal}-${Buffer.from(random.bytes(16)).toString('hex')}`)
}

export function epochOrdinal(epoch: EpochId): number {
  return Number(epoch.slice(0, epoch.indexOf('-')))
}

export function newLedgerId(random: Random): LedgerId {
  return ledgerId(Buffer.from(random.bytes(16)).toString('hex'))
}

/** UUIDv7 (RFC 9562 §5.7): for events whose terminal supplies no key of its own. */
export function newEventId(clock: Clock, random: Random): EventId {
  const bytes = Buffer.from(random.bytes(16))
  bytes.writeUIntBE(clock.wallMs(), 0, 6)
  bytes.writeUInt8(0x70 | (bytes.readUInt8(6) & 0x0f), 6)
  bytes.writeUInt8(0x80 | (bytes.readUInt8(8) & 0x3f), 8)
  const hex = bytes.toString('hex')
  const groups = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20)]
  return eventId([...groups, hex.slice(20)].join('-'))
}

/**
 * The id of an event whose terminal numbers it (the POSLog key): the same key always gives the same
 * id, so a till that repeats itself cannot double a sale. 128 bits of SHA-256 over the parts.
 */
export function derivedEventId(key: readonly string[]): EventId {
  const digest = createHash('sha256').update(JSON.stringify(key)).digest('hex')
  return eventId(`k-${digest.slice(0, 32)}`)
}

/** Whether an id came from the terminal's own key, so that a repeat is recognised by it. */
export function isDerivedEventId(id: EventId): boolean {
  return id.startsWith('k-')
}
