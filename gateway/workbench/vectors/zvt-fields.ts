import { toHex } from '../../core/bytes.js'
import { bmpValue, nameOf } from '../../protocol/zvt/bmp.js'
import { cardTypeName } from '../../protocol/zvt/card-type.js'
import { intermediateText } from '../../protocol/zvt/intermediate-status.js'
import { encodeMessage, type ZvtMessage } from '../../protocol/zvt/message.js'
import { resultText } from '../../protocol/zvt/result-code.js'
import { readStatus, type StatusFields } from '../../protocol/zvt/status.js'
import { charsetOfTag, likelyCharset, textOf } from '../../protocol/zvt/text.js'
import { findTlv, type TlvElement } from '../../protocol/zvt/tlv.js'
import { type Observed, Spellings } from './adapter.js'

const AUTHENTICATION: Readonly<Record<number, string>> = {
  0: 'No Cardholder authentication',
  1: 'Signature',
  2: 'Online Pin',
  3: 'Offline encrypted Pin',
  4: 'Offline plaintext Pin',
  5: 'Offline encrypted Pin + signature',
  6: 'Offline plaintext Pin + signature',
  7: 'Online Pin + signature',
  255: 'Unknown cardholder verification',
}
const TECHNOLOGY: readonly string[] = ['Magnetic stripe', 'Chip', 'NFC']
const TOTALED_ALSO: Readonly<Record<string, readonly string[]>> = {
  girocard: ['ec'],
  eurocard: ['mastercard'],
  others: ['other'],
}
const RECEIPTS: readonly string[] = ['', 'merchant', 'cardholder', 'administration']

/** A message in the words of `expect`. What a key of it cannot be said of is undefined. */
export function fieldsOf(message: ZvtMessage): Observed {
  const { control, head, bmps, tlv } = message
  const status = readStatus(bmps)
  return {
    command: control,
    parses: true,
    reserialises_to: toHex(encodeMessage(message)),
    password: head.password ?? passwordOf(message),
    config_byte: head.configByte,
    service_byte: bmpValue(bmps, 0x03)?.[0],
    attribute: head.attribute,
    instruction: head.instruction,
    sw_version: versionOf(message),
    terminal_status: head.terminalStatus,
    ...statusFields(message, status.ok ? status.value : {}),
    ...byteFields(message),
    ...tlvFields(tlv),
    ...messageFields(message),
    ...textFields(message),
    ...systemFields(message),
    ...(status.ok ? {} : { error: status.error }),
  }
}

/** `************4771`, `XXXX XXXX XXXX 4771`: sources hide digits in their own way. */
export function panSpellings(masked: string): Spellings {
  const crossed = masked.replaceAll('*', 'X')
  const grouped = crossed.replace(/(.{4})(?=.)/g, '$1 ')
  return new Spellings(masked, crossed, grouped, masked.replaceAll('*', 'E'))
}

function passwordOf({ bmps }: ZvtMessage): string | undefined {
  const value = bmpValue(bmps, 0x3d)
  return value === undefined ? undefined : toHex(value)
}

function versionOf({ head }: ZvtMessage): string | undefined {
  const { softwareVersion, system } = head
  if (softwareVersion === undefined) return system?.softwareVersion
  return textOf(softwareVersion, 'german-7bit')
}

function statusFields(message: ZvtMessage, status: StatusFields): Observed {
  const { control, head } = message
  const resultCode =
    status.resultCode ?? (control === '061E' ? (head.resultCode ?? 255) : undefined)
  const refused = control.startsWith('84') ? Number.parseInt(control.slice(2), 16) : undefined
  const code = resultCode ?? refused
  const currency = status.currency ?? head.currency
  const { time, monthDay, expiry, contractNumber, maskedPan, cardType, totals } = status
  return {
    result_code: code,
    result_text: code === undefined ? undefined : resultText(code),
    success: control === '061E' || control.startsWith('84') ? false : (code ?? 0) === 0,
    amount_minor: status.amountMinor,
    currency: numberOf(currency),
    trace: numberOf(status.traceNumber),
    original_trace: numberOf(status.originalTrace),
    receipt_no: numberOf(status.receiptNumber),
    turnover_no: numberOf(status.turnoverNumber),
    terminal_id: status.terminalId ?? head.system?.terminalId,
    time:
      time === undefined
        ? undefined
        : new Spellings(time, time.replace(/(..)(..)(..)/, '$1:$2:$3')),
    date: monthDay ?? yearDate(message),
    month: numberOf(monthDay?.slice(0, 2)),
    day: numberOf(monthDay?.slice(2)),
    expiry,
    expiry_year: numberOf(expiry?.slice(0, 2)),
    expiry_month: numberOf(expiry?.slice(2)),
    card_sequence: numberOf(status.cardSequence),
    vu_number:
      contractNumber === undefined
        ? undefined
        : new Spellings(contractNumber, contractNumber.trimEnd()),
    authorisation: status.authorisation,
    additional_text: status.additionalText,
    card_name: status.cardName,
    card_type: cardType,
    card_type_name: cardType === undefined ? undefined : cardTypeName(cardType),
    card_type_id: status.cardTypeId,
    pan_masked: maskedPan === undefined ? undefined : panSpellings(maskedPan),
    receipt_numbers: receiptNumbers(message),
    ...(totals === undefined ? {} : totalsOf(totals)),
  }
}

function yearDate({ bmps }: ZvtMessage): string | undefined {
  const value = bmpValue(bmps, 0xaa)
  return value === undefined ? undefined : toHex(value)
}

function totalsOf(totals: NonNullable<StatusFields['totals']>): Observed {
  const each = totals.schemes.flatMap(({ scheme, count, amountMinor }) =>
    [scheme, ...(TOTALED_ALSO[scheme] ?? [])].flatMap(name => [
      [`${name}_num`, count],
      [`${name}_count`, count],
      [`count_${name}`, count],
      [`${name}_total`, amountMinor],
      [`${name}_total_minor`, amountMinor],
      [`total_${name}`, amountMinor],
    ]),
  )
  const all = {
    receipt_no_start: Number(totals.firstReceipt),
    receipt_no_end: Number(totals.lastReceipt),
    ...Object.fromEntries(each),
  }
  return { ...all, totals: all, single_amounts: all }
}

/** One byte with a meaning of its own in each command. */
function byteFields(message: ZvtMessage): Observed {
  const { control, head, bmps } = message
  const kind = bmpValue(bmps, 0x19)?.[0]
  const isReadCard = control === '06C0'
  const isCompletion = control === '060F'
  const bmpsByName = bmps.map(({ tag, value }) => [
    nameOf(tag).toLowerCase().replace(' ', '_'),
    toHex(value),
  ])
  return {
    ...Object.fromEntries(bmpsByName),
    ...(isReadCard ? { card_type: kind, timeout_s: head.timeout } : {}),
    status_byte: isCompletion ? kind : undefined,
    payment_type: isReadCard || isCompletion ? undefined : kind,
    dialog_control: bmpValue(bmps, 0xfc)?.[0],
    max_status_infos: bmpValue(bmps, 0x02)?.[0],
    pump_no: bmpValue(bmps, 0x05)?.[0],
    // Nothing is said of what goes on: 00.
    status: head.status ?? (control === '04FF' ? 0 : undefined),
    timeout: head.timeout ?? bmpValue(bmps, 0x01)?.[0],
  }
}

/** By path (`60/43`); one that comes several times has all its values, or its first. */
function tlvFields(elements: readonly TlvElement[]): Observed {
  const values = new Map<string, string[]>()
  const collect = (inner: readonly TlvElement[], path: string): void => {
    for (const { tag, value, elements: below } of inner) {
      const name = path + tag.hex
      values.set(name, [...(values.get(name) ?? []), toHex(value)])
      collect(below, `${name}/`)
    }
  }
  collect(elements, '')
  const tlv = [...values].map(([name, [first, ...others]]) => [
    name,
    others.length === 0 ? first : new Spellings([first, ...others], first, others.at(-1)),
  ])
  const find = (tag: string): Uint8Array | undefined => findTlv(elements, tag)?.value
  const authentication = find('1F10')?.[0]
  const technology = find('1F12')?.[0]
  return {
    tlv: Object.fromEntries(tlv),
    ...Object.fromEntries(tlv.map(([name, value]) => [`tlv_${name}`, value])),
    cardholder_authentication:
      authentication === undefined ? undefined : AUTHENTICATION[authentication],
    card_technology: technology === undefined ? undefined : TECHNOLOGY[technology],
    application_id: upper(find('43')),
    device_name: ascii(find('1F40')),
    serial: serialOf(find('1F42')),
    device_state: find('1F43')?.[0],
    datetime: dateTimeOf(find('1F0E'), find('1F0F')),
    tlv_bmp60: bmp60Of(find('1F62'), find('1F63')),
    extended_error_code: hex(find('1F16')),
    extended_error_text: words(find('1F17')),
    emv_customer: ascii(find('46')),
    emv_merchant: ascii(find('47')),
    trace_long: numberOf(hex(find('1F2B'))),
    seqid: hex(find('1F73')),
    seqid_supported: find('1F73') !== undefined,
    ...(find('1F44') === undefined ? {} : { terminal_id: hex(find('1F44')) }),
  }
}

/** What a code means where the terminal sends no words of its own. */
function messageFields({ control, head, bmps }: ZvtMessage): Observed {
  if (control === '04FF') {
    const text = head.status === undefined ? undefined : intermediateText(head.status)
    return { message: text, text, text_lines: text?.split('\n') }
  }
  const code = control === '061E' ? (head.resultCode ?? 255) : bmpValue(bmps, 0x27)?.[0]
  const text = code === undefined ? undefined : resultText(code)
  return { message: text, error_message: text }
}

/** Of a text block the lines, of a display its texts, of a line its own. */
function textFields({ control, head, bmps, tlv }: ZvtMessage): Observed {
  const charset = charsetOfTag(findTlv(tlv, '14')?.value)
  const container = findTlv(tlv, '25') ?? findTlv(tlv, '24')
  const lines = (container?.elements ?? []).filter(({ tag }) => tag.hex === '07')
  const shown = bmps.filter(
    ({ tag }) => (tag >= 0xf1 && tag <= 0xf8) || (tag >= 0xe1 && tag <= 0xe8),
  )
  const all =
    head.text === undefined
      ? [...lines.map(({ value }) => value), ...shown.map(({ value }) => value)]
      : [head.text]
  if (all.length === 0) return {}
  // One text may be told by its own letters, where another has none.
  const used = charset ?? likelyCharset(Buffer.concat(all))
  const texts = all.map(text => textOf(text, used))
  const text = texts.join('\n')
  const kind = findTlv(tlv, '1F07')?.value[0]
  const names = charsetNames(used)
  return {
    text,
    lines: texts,
    text_lines: texts,
    line_count: texts.length,
    starts_with: text,
    contains: text,
    charset: names,
    encoding: names,
    receipt_type: kind === undefined ? undefined : RECEIPTS[kind],
    last_line: control === '06D1' ? isLast(head.attribute ?? 0) : undefined,
  }
}

function charsetNames(charset: string): Spellings {
  const same: Readonly<Record<string, readonly string[]>> = {
    'latin-1': ['latin1', 'iso-8859-1'],
    'utf-8': ['utf8'],
    'german-7bit': ['zvt-7bit', '7bit', '7-bit', 'ascii-7bit', 'din66003'],
  }
  return new Spellings(charset, ...(same[charset] ?? []))
}

/** Bit 7 ends a receipt, but 80 is reserved and FF feeds lines. */
function isLast(attribute: number): boolean {
  return attribute > 0x80 && attribute < 0xff
}

function systemFields({ head }: ZvtMessage): Observed {
  const { system } = head
  if (system === undefined) return {}
  const { deviceId, batteryVoltage, temperature } = system
  return { device_id: deviceId, battery_voltage: batteryVoltage, temperature }
}

/** Open reservations of 06 1E B8: one as BMP 87, further ones in TLV tag 23. FF FF is none. */
function receiptNumbers({ bmps, tlv }: ZvtMessage): readonly string[] {
  const first = bmpValue(bmps, 0x87)
  const further = tlv.filter(({ tag }) => tag.hex === '23').flatMap(({ elements }) => elements)
  const numbers = [
    ...(first === undefined ? [] : [first]),
    ...further.filter(({ tag }) => tag.hex === '08').map(({ value }) => value),
  ].map(value => toHex(value))
  return [...new Set(numbers)].filter(number => number !== 'ffff')
}

/** The serial number in hexadecimal, and as the source that reads nibbles as digits counts it. */
function serialOf(value: Uint8Array | undefined): Spellings | undefined {
  if (value === undefined) return undefined
  const digits = [...toHex(value)].map(digit => Number.parseInt(digit, 16))
  return new Spellings(
    toHex(value),
    digits.reduce((sum, digit) => sum * 10 + digit, 0),
  )
}

function dateTimeOf(
  date: Uint8Array | undefined,
  time: Uint8Array | undefined,
): string | undefined {
  if (date === undefined || time === undefined) return undefined
  const day = toHex(date).replace(/(....)(..)(..)/, '$1-$2-$3')
  return `${day}T${toHex(time).replace(/(..)(..)(..)/, '$1:$2:$3')}`
}

function bmp60Of(prefix: Uint8Array | undefined, data: Uint8Array | undefined): unknown {
  if (prefix === undefined || data === undefined) return undefined
  return { prefix: ascii(prefix), data: ascii(data) }
}

function numberOf(digits: string | undefined): number | undefined {
  return digits === undefined || !/^\d+$/.test(digits) ? undefined : Number(digits)
}

function hex(value: Uint8Array | undefined): string | undefined {
  return value === undefined ? undefined : toHex(value)
}

function upper(value: Uint8Array | undefined): string | undefined {
  return hex(value)?.toUpperCase()
}

function ascii(value: Uint8Array | undefined): string | undefined {
  return value === undefined ? undefined : Buffer.from(value).toString('latin1')
}

function words(value: Uint8Array | undefined): string | undefined {
  return value === undefined ? undefined : textOf(value, likelyCharset(value))
}
