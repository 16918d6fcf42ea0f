import { toHex } from '../../core/bytes.js'
import { formatAmount } from '../../core/money.js'
import { createFramer, framingSchema } from '../../line/framing/catalog.js'
import { CodePay, readCodePay } from '../../protocol/payment/code-pay.js'
import { EDC_FIELD, edcMoment, readEdc } from '../../protocol/payment/edc.js'
import { Edc, edcSchema } from '../../protocol/payment/edc-protocol.js'
import {
  Mellon,
  mellonAmount,
  mellonResult,
  readMellon,
  rememberedRequest,
} from '../../protocol/payment/mellon.js'
import { Opi, opiLines, readOpi } from '../../protocol/payment/opi.js'
import { PosLink } from '../../protocol/payment/pos-link.js'
import {
  attributeOf,
  elementsOf,
  findElement,
  type XmlElement,
} from '../../protocol/payment/xml.js'
import { maskPan } from '../../security/pan-scheme.js'
import type { Adapter, Observed } from './adapter.js'
import { framesOf, refusal } from './frames.js'
import { PAYMENT_MACHINES } from './payment-machines.js'

const ACK = '06'
const NAK = '15'

const posLink: Adapter = vector => {
  const protocol = new PosLink({ type: 'pos-link', currency: 'NZD' })
  const { payloads, error } = framesOf(protocol.createFramer(), vector)
  const [payload] = payloads
  if (payload === undefined) return refusedLrc(error)
  const reading = protocol.read(payload)
  if (reading.type !== 'messages')
    return { lrc_ok: true, reply_hex: ACK, error: 'issue' in reading ? reading.issue : 'sensitive' }
  const fields = reading.messages[0]?.fields ?? {}
  const { amount, cash, maskedPan, responseCode, traceNumber, bankReference, text } = fields
  const decimal = (minor: unknown): string | undefined =>
    typeof minor === 'number' ? formatAmount(minor, 'NZD') : undefined
  return {
    lrc_ok: true,
    reply_hex: ACK,
    ...fields,
    amount: decimal(amount),
    cash: decimal(cash),
    pan_masked: maskedPan,
    response: responseCode,
    display: text,
    stan: traceNumber,
    bank_reference: bankReference,
  }
}

const TRANSBANK_FRAMING = framingSchema.parse({ type: 'stx-etx', checksum: 'lrc' })
/** The SDK reads these into numbers, and keeps the others as text. */
const IN_NUMBERS: ReadonlySet<string> = new Set(['0510', '0710', '0810', '1210'])
/** An answer to a sale has twenty fields; the SDK's stub of one has no authorisation code. */
const SALE_FIELDS = 12

const UNCHECKED_FRAMING = framingSchema.parse({ type: 'stx-etx', checksum: 'none' })

/** Also of a frame that is refused, as its SDK's fixtures are: they have no LRC of their own. */
const transbank: Adapter = vector => {
  const { payloads, error } = framesOf(createFramer(TRANSBANK_FRAMING), vector)
  const [bytes] = payloads
  if (bytes !== undefined) return transbankMessage(bytes)
  const [refused] = framesOf(createFramer(UNCHECKED_FRAMING), vector).payloads
  return { ...(refused === undefined ? {} : transbankMessage(refused)), ...refusedLrc(error) }
}

function transbankMessage(bytes: Uint8Array): Observed {
  const payload = Buffer.from(bytes).toString('latin1')
  const fields = payload.split('|')
  const [code = ''] = fields
  const common = { lrc_ok: true, reply_hex: ACK, payload, fields, function: code }
  switch (code) {
    case '0200':
      return { ...common, amount: fields[1], ticket: fields[2] }
    case '0210':
    case '0260':
      return { ...common, ...transbankSale(fields) }
    case '0710':
      return {
        ...common,
        ...transbankAnswer(fields),
        tx_count: numberOf(fields[2]),
        tx_total: numberOf(fields[3]),
      }
    default:
      return IN_NUMBERS.has(code)
        ? { ...common, ...transbankAnswer(fields) }
        : { ...common, response_code: fields[1] }
  }
}

function transbankAnswer(fields: readonly string[]): Observed {
  const [code, responseCode, commerceCode, terminalId, authorisationCode, operation] = fields
  return {
    function: numberOf(code),
    response_code: numberOf(responseCode),
    commerce_code: numberOf(commerceCode),
    terminal_id: terminalId,
    authorization_code: authorisationCode,
    operation_id: numberOf(operation),
  }
}

function transbankSale(fields: readonly string[]): Observed {
  const [, responseCode, commerceCode, terminalId, ticket] = fields
  const common = {
    response_code: responseCode,
    commerce_code: commerceCode,
    terminal_id: terminalId,
    ticket,
  }
  if (fields.length < SALE_FIELDS) return { ...common, amount: fields[5] }
  const [authorisationCode, amount, shares, shareAmount, lastDigits] = fields.slice(5)
  const [operation, cardType, , , brand, date, time] = fields.slice(10)
  return {
    ...common,
    authorization_code: authorisationCode,
    amount,
    shares_number: shares,
    shares_amount: shareAmount,
    last_4_digits: lastDigits,
    operation_number: operation,
    card_type: cardType,
    card_brand: brand,
    real_date: date,
    real_time: time,
  }
}

const mellon: Adapter = vector => {
  const protocol = new Mellon({ type: 'mellon', currency: 'EUR' })
  const { payloads, error } = framesOf(protocol.createFramer(), vector)
  const [payload] = payloads
  if (payload === undefined) return { ok: false, error }
  const message = readMellon(payload)
  if (!message.ok) return { ok: false, error: message.error }
  const { isFromTill, type, fields } = message.value
  const { amount, currency, exponent } = mellonAmount(fields)
  const head = {
    ok: true,
    type,
    session: fields.get('S'),
    final: type === 'R' || type === 'E',
    text: fields.get(''),
  }
  if (isFromTill || type === 'A')
    return {
      ...head,
      amount_minor: amount,
      currency,
      exponent,
      datetime: fields.get('D'),
      ecr: fields.get('R'),
      operator: fields.get('H'),
      receipt_no: fields.get('T'),
      custom: fields.get('M'),
      ...refusal(protocol.read(payload)),
    }
  // A vector is one frame: as if its sale had been asked for.
  const asked = rememberedRequest({
    session: fields.get('S') ?? '',
    kind: 'approved',
    amount: mellonResult(fields)?.amount ?? 0,
  })
  return { ...head, ...mellonOutcome(fields), ...refusal(protocol.read(payload, asked)) }
}

function mellonOutcome(fields: ReadonlyMap<string, string>): Observed {
  const responseCode = fields.get('C')
  const result = mellonResult(fields)
  const common = {
    result: responseCode,
    response_code: responseCode,
    approved: responseCode === '00',
    error_code: fields.get(''),
  }
  if (result === undefined) return common
  return {
    ...common,
    card: result.cardScheme,
    card_type: result.cardScheme,
    pan_masked: maskPan(result.card),
    amount_minor: result.amount,
    final_amount_minor: result.finalAmount,
    terminal_id: result.terminalId,
    batch: result.batchNumber,
    rrn: result.reference,
    stan: result.traceNumber,
    auth_code: result.authorisationCode,
    datetime: result.moment,
  }
}

const codePay: Adapter = vector => {
  const { payloads, error } = framesOf(new CodePay().createFramer(), vector)
  const [payload] = payloads
  if (payload === undefined) return { lrc_ok: false, ok: false, error }
  const packet = readCodePay(payload)
  if (packet === undefined) return { lrc_ok: true, ok: false, error: 'type' }
  const { type, ack, id, data } = packet
  return { lrc_ok: true, type, ack, id, length: data.length, data_hex: toHex(data) }
}

const EDC = new Edc(edcSchema.parse({ type: 'edc' }))

const edc: Adapter = vector => {
  const { payloads, error } = framesOf(EDC.createFramer(), vector)
  const [payload] = payloads
  if (payload === undefined) return refusedLrc(error)
  const common = { lrc_ok: true, reply_hex: ACK, length: payload.length }
  const message = readEdc(payload)
  if (!message.ok) return { ...common, ok: false, error: message.error }
  const { fields, requestIndicator, responseCode, ...rest } = message.value
  const digits = fields.get(EDC_FIELD.amount)
  const card = fields.get(EDC_FIELD.card)
  const masked = card === undefined ? undefined : maskPan(card)
  return {
    ...common,
    ...rest,
    ...edcMoment(fields),
    request_indicator: requestIndicator,
    response_code: responseCode,
    fields: { ...Object.fromEntries(fields), ...(card === undefined ? {} : { 30: masked }) },
    amount_minor: digits === undefined ? undefined : Number(digits),
    pan_masked: masked,
    terminal_id: fields.get(EDC_FIELD.terminalId),
    auth_code: fields.get(EDC_FIELD.authorisationCode),
    ...refusal(EDC.read(payload)),
  }
}

const opi: Adapter = vector => {
  const protocol = new Opi()
  const { payloads, error } = framesOf(protocol.createFramer(), vector)
  const [payload] = payloads
  if (payload === undefined) return { ok: false, error }
  const message = readOpi(payload)
  if (!message.ok) return { ok: false, error: message.error }
  const { root, requestType, requestId, total } = message.value
  const attribute = (element: string, name: string): string | undefined =>
    attributeOf(findElement(root, element), name)
  const card = attribute('Authorisation', 'CardPAN')
  return {
    ok: true,
    root: root.name,
    request_type: requestType,
    request_id: requestId,
    workstation: attributeOf(root, 'WorkstationID'),
    sender: attributeOf(root, 'ApplicationSender'),
    pop_id: attributeOf(root, 'POPID'),
    result: attributeOf(root, 'OverallResult'),
    overall_result: attributeOf(root, 'OverallResult'),
    amount: total?.text,
    currency: total?.currency,
    // The terminal opens the second socket itself, to have the till show or print something.
    channel: root.name.startsWith('Device') ? 1 : 0,
    target: attribute('Output', 'OutDeviceTarget'),
    out_result: attribute('Output', 'OutResult'),
    totals: opiTotals(root),
    lines: opiLines(root),
    terminal_id: attribute('Terminal', 'TerminalID') ?? attributeOf(root, 'TerminalID'),
    stan: attribute('Terminal', 'STAN') ?? attribute('OriginalTransaction', 'STAN'),
    card_circuit: attribute('Authorisation', 'CardCircuit'),
    pan_masked: card === undefined ? undefined : maskPan(card),
    receipt_no: attribute('Authorisation', 'ReceiptNumber'),
    datetime: attribute('Authorisation', 'TimeStamp') ?? findElement(root, 'POSTimeStamp')?.text,
    error_code: findElement(root, 'ErrorCode')?.text,
    ...refusal(protocol.read(payload)),
  }
}

/** Of a reconciliation, by card. */
function opiTotals(root: XmlElement): readonly Observed[] {
  return [...elementsOf(root)]
    .filter(({ name }) => name === 'TotalAmount')
    .map(({ attributes, text }) => ({
      card_circuit: attributes['CardCircuit'],
      payment_type: attributes['PaymentType'],
      payments: numberOf(attributes['NumberPayments']),
      count: numberOf(attributes['NumberPayments']),
      amount: text,
      currency: attributes['Currency'],
    }))
}

function refusedLrc(error: string): Observed {
  return { lrc_ok: false, ok: false, reply_hex: NAK, error }
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined
}

/** Payment terminals beside ZVT, by the names that vectors give their protocols. */
export const PAYMENT_ECR: Readonly<Record<string, Adapter>> = {
  'poslink-nz': posLink,
  transbank,
  'mellon-tcp': mellon,
  'codepay-serial': codePay,
  'edc-stx-bcd': edc,
  opi,
  ...PAYMENT_MACHINES,
}
