import { z } from 'zod'
import { readDate, readTime } from '../../codec/date.js'
import { formatAmount, parseAmount } from '../../core/money.js'
import { fail, ok, type Result } from '../../core/result.js'
import { createFramer, encodeFrame, framingSchema } from '../../line/framing/catalog.js'
import type { Framer } from '../../line/framing/framer.js'
import type { Link } from '../../line/link/link.js'
import { unsolicitedLink } from '../../line/link/unsolicited.js'
import type { MessageOutline, Protocol, Reading } from '../protocol.js'
import {
  given,
  type PaymentFields,
  type PaymentKind,
  paymentMessages,
  paymentReading,
  unreadApproval,
  unwritten,
} from './payment-messages.js'
import {
  attributeOf,
  elementsOf,
  escapeXml,
  findElement,
  parseXml,
  type XmlElement,
} from './xml.js'

/** O.P.I.: XML behind a length of four bytes. Source: tillhub/payment-engine (MIT). */
export const opiSchema = z.strictObject({ type: z.literal('opi') })

const FRAMING = framingSchema.parse({
  type: 'length-prefixed',
  lengthBytes: 4,
  maxFrameBytes: 65_536,
})

export interface OpiMessage {
  readonly root: XmlElement
  readonly requestType: string
  readonly requestId: string
  readonly total: { readonly text: string; readonly currency: string } | undefined
}

export function readOpi(payload: Uint8Array): Result<OpiMessage, string> {
  const bytes = Buffer.from(payload)
  const declaration = bytes.subarray(0, 100).toString('latin1')
  const isLatin1 = /^<\?xml[^>]*encoding=["']ISO-8859-1["']/i.test(declaration)
  const parsed = parseXml(isLatin1 ? bytes.toString('latin1') : bytes.toString('utf8'))
  if (!parsed.ok) return parsed
  const root = parsed.value
  const { RequestType, RequestID } = root.attributes
  if (!/^(CardService|Service|Device)(Request|Response)$/.test(root.name))
    return fail('expected a request or a response')
  if (RequestType === undefined || RequestID === undefined)
    return fail('expected RequestType and RequestID')
  const total = findElement(root, 'TotalAmount')
  return ok({
    root,
    requestType: RequestType,
    requestId: RequestID,
    total: total && { text: total.text.trim(), currency: attributeOf(total, 'Currency') ?? '' },
  })
}

/** What stands on a display or a receipt. */
export function opiLines(root: XmlElement): readonly string[] {
  return [...elementsOf(root)].filter(({ name }) => name === 'TextLine').map(({ text }) => text)
}

const MONEY: Readonly<Record<string, PaymentKind>> = {
  CardPayment: 'approved',
  PaymentReversal: 'reversed',
  PaymentRefund: 'refunded',
}

/** By these a payment is known again when it is repeated. */
const KEY = ['date', 'traceNumber']

export class Opi implements Protocol {
  readonly messages: readonly MessageOutline[] = paymentMessages(KEY)
  readonly link: Link<unknown> = unsolicitedLink

  createFramer(): Framer {
    return createFramer(FRAMING)
  }

  read(payload: Uint8Array): Reading {
    const message = readOpi(payload)
    if (!message.ok) return { type: 'rejected', issue: message.error }
    const { root, requestType, total } = message.value
    const kind = MONEY[requestType]
    const isSuccess = attributeOf(root, 'OverallResult') === 'Success'
    if (root.name === 'DeviceRequest')
      return paymentReading('progress', { text: opiLines(root).join(' ').slice(0, 200) })
    if (!root.name.startsWith('CardService') || kind === undefined)
      // A message that is said again does not say whether it was a payment or a refund.
      return root.name === 'CardServiceResponse' && isSuccess && total !== undefined
        ? unreadApproval(requestType)
        : paymentReading('other', { text: requestType })
    if (root.name === 'CardServiceRequest')
      return paymentReading(total === undefined ? 'other' : 'requested', paidOf(message.value))
    if (isSuccess) return paymentReading(kind, paidOf(message.value), KEY)
    // A failure names the amount where it got that far, and where it does not nothing was moved.
    return paymentReading(total === undefined ? 'other' : 'declined', paidOf(message.value))
  }

  encode(message: string, values: Readonly<Record<string, unknown>>): Uint8Array {
    if (message !== 'approved') return unwritten(message, ['approved'])
    const text = (name: string): string => escapeXml(given(values, name))
    const currency = given(values, 'currency')
    const amount = formatAmount(Number(given(values, 'amount')), currency)
    const xml =
      '<?xml version="1.0" encoding="UTF-8"?>' +
      `<CardServiceResponse RequestType="CardPayment" RequestID="${text('reference')}"` +
      ' OverallResult="Success">' +
      `<Terminal TerminalID="${text('terminalId')}" STAN="${text('traceNumber')}"/>` +
      `<Tender><TotalAmount Currency="${escapeXml(currency)}">${amount}</TotalAmount>` +
      `<Authorisation CardCircuit="${text('cardScheme')}" CardPAN="${text('maskedPan')}"` +
      ` ReceiptNumber="${text('receiptNumber')}" TimeStamp="${text('date')}T${text('time')}"/>` +
      '</Tender></CardServiceResponse>'
    return encodeFrame(FRAMING, Buffer.from(xml, 'utf8'))
  }
}

function paidOf({ root, requestId, total }: OpiMessage): PaymentFields {
  const terminal = (name: string): string | undefined =>
    attributeOf(findElement(root, 'Terminal'), name)
  const authorisation = (name: string): string | undefined =>
    attributeOf(findElement(root, 'Authorisation'), name)
  const currency = total?.currency ?? ''
  const amount =
    total && /^[A-Z]{3}$/.test(currency) ? parseAmount(total.text, currency) : undefined
  return {
    amount: amount?.ok ? amount.value : undefined,
    currency,
    reference: requestId,
    cardScheme: authorisation('CardCircuit'),
    maskedPan: authorisation('CardPAN'),
    authorisationCode: authorisation('ApprovalCode'),
    receiptNumber: authorisation('ReceiptNumber'),
    traceNumber: terminal('STAN'),
    terminalId: terminal('TerminalID'),
    responseCode: findElement(root, 'ErrorCode')?.text ?? attributeOf(root, 'OverallResult'),
    ...momentOf(authorisation('TimeStamp')),
  }
}

/** `2024-02-09T09:36:28`, and a zone that terminals get wrong: it is the shop's own time. */
function momentOf(text: string | undefined): PaymentFields {
  const date = readDate(text?.slice(0, 10).replaceAll('-', '') ?? '', 'YYYYMMDD')
  const time = readTime(text?.slice(11, 19).replaceAll(':', '') ?? '', 'HHMMSS')
  return date.ok && time.ok ? { date: date.value, time: time.value } : {}
}
