import { concatBytes, fromHex, toHex } from '../../core/bytes.js'
import { checksum } from '../../line/checksum/catalog.js'
import type { Joined } from '../../line/link/blocks.js'
import { SMART_SALE_TAG, SmartSale } from '../../protocol/payment/smart-sale.js'
import { smartSaleFrames } from '../../protocol/payment/smart-sale-framer.js'
import {
  joinSmartSale,
  readBlock,
  readMoment,
  readSmartSale,
  type SmartSaleFields,
  smartSaleText,
  wholeSmartSale,
} from '../../protocol/payment/smart-sale-message.js'
import { Upos } from '../../protocol/payment/upos.js'
import {
  joinUpos,
  readUpos,
  readUposResult,
  uposFrames,
  wholeUpos,
} from '../../protocol/payment/upos-message.js'
import {
  readVendotek,
  VENDOTEK_TAG,
  Vendotek,
  vendotekText,
} from '../../protocol/payment/vendotek.js'
import { readVendotekHeader, readVendotekTlv } from '../../protocol/payment/vendotek-tlv.js'
import { maskPan } from '../../security/pan-scheme.js'
import type { Adapter, Observed } from './adapter.js'
import { framesOf, refusal } from './frames.js'

const ACK = '06'
const EOT = '04'
const NAK = '15'

const SMART_SALE = new SmartSale({ type: 'smart-sale', currency: 'RUB' })

const smartSale: Adapter = vector => {
  const { payloads, error } = framesOf(SMART_SALE.createFramer(), vector)
  const frames = smartSaleFrames(concatBytes(payloads))
  const [first] = frames.ok ? frames.value : []
  if (first === undefined) return refusedCrc(error)
  const block = first.isBlock ? readBlock(first.data) : undefined
  const common = {
    crc_ok: true,
    reply_hex: ACK,
    length: first.data.length,
    block: block?.ok ? block.value.number : undefined,
  }
  const whole = wholeSmartSale(message(payloads, joinSmartSale))
  if (!whole.ok) return { ...common, complete: false }
  const read = readSmartSale(whole.value)
  if (!read.ok) return { ...common, ok: false, error: read.error }
  const fields = { ...smartSaleFields(read.value), ...refusal(SMART_SALE.readFields(read.value)) }
  return { ...common, complete: true, data_hex: toHex(whole.value), ...fields }
}

const smartSaleTlv: Adapter = ({ hex }) => {
  const read = readSmartSale(fromHex(hex))
  if (!read.ok) return { ok: false, error: read.error }
  return { ...smartSaleFields(read.value), ...refusal(SMART_SALE.readFields(read.value)) }
}

function smartSaleFields(fields: SmartSaleFields): Observed {
  const tag = SMART_SALE_TAG
  const text = (number: number): string | undefined => smartSaleText(fields, number)
  const moment = readMoment(text(tag.hostTime) ?? text(tag.terminalTime))
  const card = text(tag.card)
  const tlv = [...fields.keys()].map(number => {
    const value = number === tag.card ? maskPan(text(number) ?? '') : text(number)
    return [number.toString(16).padStart(2, '0'), value]
  })
  return {
    ok: true,
    tlv: Object.fromEntries(tlv),
    amount_minor: numberOf(text(tag.amount)),
    currency: numberOf(text(tag.currency)),
    terminal_id: text(tag.terminalId),
    merchant_id: text(tag.merchantId),
    pan_masked: card === undefined ? undefined : maskPan(card),
    datetime: moment && `${moment.date}T${moment.time}`,
    result: numberOf(text(tag.result)),
    operation: numberOf(text(tag.operation)),
    auth_code: text(tag.authorisationCode),
    rrn: text(tag.reference),
    response_code: text(tag.responseCode),
    text: text(tag.text),
  }
}

const vendotekFrame: Adapter = vector => {
  const protocol = new Vendotek({ type: 'vendotek', currency: 'RUB' })
  const { payloads, error } = framesOf(protocol.createFramer(), vector)
  const [payload] = payloads
  if (payload === undefined) return refusedCrc(error)
  const discriminator = toHex(payload.subarray(0, 2)).toUpperCase()
  const common = { crc_ok: true, discriminator, length: payload.length }
  const message = readVendotek(payload)
  return message.ok
    ? { ...common, ...vendotekFields(message.value.fields), ...refusal(protocol.read(payload)) }
    : { ...common, ok: false, error: message.error }
}

const vendotekTlv: Adapter = ({ hex }) => {
  const bytes = fromHex(hex)
  const header = readVendotekHeader(bytes)
  if (!header.ok) return { ok: false, error: header.error }
  const { headerLength, valueLength } = header.value
  const lengths = { header_length: headerLength, value_length: valueLength }
  const fields = readVendotekTlv(bytes)
  return fields.ok
    ? { ...lengths, ...vendotekFields(fields.value) }
    : { ...lengths, ok: false, error: fields.error }
}

function vendotekFields(fields: ReadonlyMap<number, Uint8Array>): Observed {
  const tag = VENDOTEK_TAG
  const text = (number: number): string | undefined => vendotekText(fields, number)
  const destination = fields.get(tag.destination)
  const tlv = [...fields].map(([number, value]) => [
    number.toString(16).padStart(2, '0'),
    Buffer.from(value).toString('latin1'),
  ])
  return {
    ok: true,
    tlv: Object.fromEntries(tlv),
    message: text(tag.message),
    operation_no: text(tag.operationNumber),
    amount_minor: numberOf(text(tag.amount)),
    keepalive_interval: numberOf(text(tag.keepaliveInterval)),
    operation_timeout: numberOf(text(tag.operationTimeout)),
    event_name: text(tag.eventName),
    event_no: text(tag.eventNumber),
    product_id: text(tag.productId),
    product_name: text(tag.productName),
    qr_code: text(tag.qrCode),
    local_time: text(tag.localTime),
    display_time: text(tag.displayTime),
    outgoing_bytes: numberOf(text(tag.outgoingBytes)),
    destination_hex: destination && toHex(destination),
  }
}

const upos: Adapter = vector => {
  const { payloads, error } = framesOf(new Upos().createFramer(), vector)
  const [bytes] = payloads
  const frames = uposFrames(concatBytes(payloads))
  const [first] = frames.ok ? frames.value : []
  if (bytes === undefined || first === undefined) return refusedCrc(error)
  const { number, more, data } = first
  const crc = checksum('CRC-16/IBM-3740', bytes)
  const whole = wholeUpos(message(payloads, joinUpos))
  return {
    crc_ok: true,
    reply_hex: more && !whole.ok ? ACK : EOT,
    decoded_hex: toHex(concatBytes([bytes, Uint8Array.of(crc & 0xff, crc >>> 8)])),
    frame_no: number,
    more,
    length: data.length,
    data_hex: toHex(data),
    command: number === 0 ? toHex(data.subarray(0, 1)) : undefined,
    ...(whole.ok ? uposFields(whole.value) : {}),
  }
}

function uposFields(message: Uint8Array): Observed {
  const read = readUpos(message)
  if (!read.ok) return { ok: false, error: read.error }
  const { id, body } = read.value
  const result = readUposResult(body)
  const common = { ok: true, id, body_hex: result === undefined ? toHex(body) : undefined }
  if (result === undefined) return common
  return {
    ...common,
    result: result.responseCode,
    auth_code: result.authorisationCode,
    rrn: result.reference,
    operation_no: result.operationNumber,
    pan_masked: maskPan(result.card),
    terminal_id: result.terminalId,
    card: result.cardScheme,
    datetime: result.date && `${result.date}T${result.time}`,
  }
}

/** The frames of the first whole message, as the link puts them together. */
function message(
  payloads: readonly Uint8Array[],
  join: (held: readonly Uint8Array[], payload: Uint8Array) => Joined,
): Uint8Array {
  let held: readonly Uint8Array[] = []
  for (const payload of payloads) {
    const joined = join(held, payload)
    held = joined === 'misfit' ? [] : [...held, payload]
    if (joined === 'whole') break
  }
  return concatBytes(held)
}

function refusedCrc(error: string): Observed {
  return { crc_ok: false, ok: false, reply_hex: NAK, error }
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined
}

/** The terminals of vending machines, by the names that vectors give their protocols. */
export const PAYMENT_MACHINES: Readonly<Record<string, Adapter>> = {
  'inpas-smartsale': smartSale,
  'inpas-tlv': smartSaleTlv,
  'vendotek-vtk': vendotekFrame,
  'vendotek-tlv': vendotekTlv,
  'sberbank-upos': upos,
}
