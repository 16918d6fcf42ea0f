import { digitsOfBcd } from '../../codec/bcd.js'
import { ByteReader } from '../../core/bytes.js'
import { currencyCode } from './currency.js'
import { readTlvElements, readTlvLength } from './tlv.js'
import { readVarLength } from './var-length.js'

/** What stands in front of a message's BMPs, by its place alone. */
export interface Head {
  readonly bytes: Uint8Array
  readonly password?: string
  readonly configByte?: number
  /** ISO 4217 as four digits: `0978`. */
  readonly currency?: string
  /** Of 04 FF. */
  readonly status?: number
  /** Of 04 FF in minutes, of 06 C0 in seconds. */
  readonly timeout?: number
  readonly resultCode?: number
  readonly terminalStatus?: number
  readonly softwareVersion?: Uint8Array
  /** Of a line to be printed, and the line. */
  readonly attribute?: number
  readonly text?: Uint8Array
  /** Feig cVEND: what it says of itself in columns. */
  readonly system?: SystemInformation
  readonly instruction?: number
}

export interface SystemInformation {
  readonly deviceId: string
  readonly softwareVersion: string
  readonly terminalId: string
  readonly batteryVoltage: string
  readonly temperature: string
}

/** Reads a head from the front of the data; nothing where it cannot be there. */
export type HeadReader = (data: Uint8Array) => Head | undefined

const TLV = 0x06

export const none: HeadReader = () => ({ bytes: new Uint8Array(0) })

export const password: HeadReader = data => {
  const digits = digitsOfBcd(data.subarray(0, 3))
  return data.length >= 3 && digits.ok
    ? { bytes: data.subarray(0, 3), password: digits.value }
    : undefined
}

/** Password, configuration, and the currency where there is one: a BMP may stand in its place. */
export const registrationWithCurrency: HeadReader = data => {
  const head = registration(data)
  const digits = digitsOfBcd(data.subarray(4, 6))
  if (head === undefined || data.length < 6 || !digits.ok) return undefined
  const isBmp = data[4] === 0x03 || data[4] === TLV
  if (isBmp && currencyCode(digits.value) === undefined) return undefined
  return { ...head, bytes: data.subarray(0, 6), currency: digits.value }
}

export const registration: HeadReader = data => {
  const head = password(data)
  const configByte = data[3]
  return head === undefined || configByte === undefined
    ? undefined
    : { ...head, bytes: data.subarray(0, 4), configByte }
}

/** A 06 that stands last is the status or the time-out itself, else it begins a container. */
export const statusWithTimeout: HeadReader = data => {
  const [status, timeout, next = TLV] = data
  if (status === undefined || timeout === undefined || next !== TLV) return undefined
  return { bytes: data.subarray(0, 2), status, timeout: bcdOr(timeout) }
}

export const status: HeadReader = data => {
  const [first, next = TLV] = data
  return first === undefined || next !== TLV
    ? undefined
    : { bytes: data.subarray(0, 1), status: first }
}

/** 6F, wrong currency: the right one follows. */
export const abortWithCurrency: HeadReader = data => {
  const digits = digitsOfBcd(data.subarray(1, 3))
  if (data[0] !== 0x6f || data.length < 3 || !digits.ok) return undefined
  return { bytes: data.subarray(0, 3), resultCode: 0x6f, currency: digits.value }
}

export const abort: HeadReader = data => {
  const [resultCode] = data
  return resultCode === undefined ? undefined : { bytes: data.subarray(0, 1), resultCode }
}

export const readCard: HeadReader = data => {
  const [timeout] = data
  return timeout === undefined ? undefined : { bytes: data.subarray(0, 1), timeout }
}

/** Password and a two-byte instruction, of which the first may be missing (Feig cVEND, 0F A1). */
export const instruction: HeadReader = data => {
  if (data.length !== 2 && data.length !== 5) return undefined
  const head = data.length === 5 ? password(data) : none(data)
  const value = new ByteReader(data.subarray(-2)).uintBE(2)
  return head === undefined ? undefined : { ...head, bytes: data, instruction: value }
}

/**
 * The line ends where a container begins that goes to the last byte: no text holds a 06. Without an
 * attribute it is empty.
 */
export const printLine: HeadReader = data => {
  const [attribute] = data
  if (attribute === undefined) return { bytes: data, text: data }
  const end = containerAt(data)
  return { bytes: data.subarray(0, end), attribute, text: data.subarray(1, end) }
}

function containerAt(data: Uint8Array): number {
  for (let at = data.indexOf(TLV, 1); at > 0; at = data.indexOf(TLV, at + 1)) {
    const length = readTlvLength(data.subarray(at + 1))
    if (length === undefined || length.length === 0) continue
    const from = at + 1 + length.bytes
    if (from + length.length === data.length && readTlvElements(data.subarray(from)).ok) return at
  }
  return data.length
}

/** The version's length in front (`Fx Fy Fz`) tells that it is there; the status byte follows. */
export const versionAndStatus: HeadReader = data => {
  const head = version(data)
  const terminalStatus = head === undefined ? undefined : data[head.bytes.length]
  return head === undefined || terminalStatus === undefined
    ? undefined
    : { ...head, bytes: data.subarray(0, head.bytes.length + 1), terminalStatus }
}

export const version: HeadReader = data => {
  const length = readVarLength(data, 3)
  return length === undefined || 3 + length > data.length
    ? undefined
    : { bytes: data.subarray(0, 3 + length), softwareVersion: data.subarray(3, 3 + length) }
}

export const terminalStatus: HeadReader = data => {
  const [first] = data
  return first === undefined ? undefined : { bytes: data.subarray(0, 1), terminalStatus: first }
}

const COLUMNS = /^([0-9A-F]{8})([ -~]{17})([ -~]{8})([ -~]{4})??([ -~]{3,4})$/

export const systemInformation: HeadReader = data => {
  const found = COLUMNS.exec(Buffer.from(data).toString('latin1'))
  const [, deviceId = '', softwareVersion = '', terminalId = ''] = found ?? []
  const [, , , , batteryVoltage = '', temperature = ''] = found ?? []
  if (found === null) return undefined
  const system = { deviceId, softwareVersion, terminalId, batteryVoltage, temperature }
  return { bytes: data, system }
}

function bcdOr(byte: number): number {
  const digits = digitsOfBcd(Uint8Array.of(byte))
  return digits.ok ? Number(digits.value) : byte
}
