import { concatBytes, fromHex, toHex } from '../../core/bytes.js'
import type { FramerOutput } from '../../line/framing/framer.js'
import type { LinkEffect } from '../../line/link/link.js'
import { readDisplay } from '../../protocol/esc-pos/customer-display.js'
import { escPosSchema } from '../../protocol/esc-pos/esc-pos.js'
import { EscPosFramer } from '../../protocol/esc-pos/framer.js'
import { type Printout, readPrintout } from '../../protocol/esc-pos/printout.js'
import { compileGrammar, receiptGrammarSchema } from '../../protocol/esc-pos/receipt-grammar.js'
import { ReceiptLink } from '../../protocol/esc-pos/receipt-link.js'
import { readReceipt } from '../../protocol/esc-pos/receipt-reader.js'
import { READY, readStatus, statusReply } from '../../protocol/esc-pos/status.js'
import type { Adapter, Observed } from './adapter.js'

/** Printers of many countries: what a profile says of its one printer is told from the text. */
const OPTIONS = escPosSchema.parse({ type: 'esc-pos', guesses: ['utf-8', 'euc-kr'] })

/** The words of common receipts. */
const LINES = [
  { as: 'subtotal', pattern: '(?:SUB|Sub|sub)[- ]?(?:TOTAL|Total|total).{0,40}[ $]{amount}' },
  { as: 'subtotal', pattern: '(?:Zwischensumme|소계).{0,30} {amount}원?' },
  { as: 'tax', pattern: '.{0,20}(?:TAX|Tax|tax|VAT|GST|MwSt|부가세).{0,40}[ $]{amount}원?' },
  { as: 'total', pattern: '(?:TOTAL|Total|SUMME|Summe|Gesamt|합계).{0,40}[ $]{amount}원?' },
  { as: 'tender', pattern: '(?:CASH|Cash|Card|CARD|BAR|Bar).{0,40}[ $]{amount}' },
  { as: 'change', pattern: '(?:CHANGE|Change|Zur.ck).{0,40}[ $]{amount}' },
  // A street and its number.
  { as: 'ignore', pattern: '[^0-9]{1,60} [0-9]{1,2}' },
  { as: 'item', pattern: '{text} {unitPrice} {quantity} {amount}' },
  { as: 'item', pattern: '{text} {quantity} {amount}' },
  { as: 'item', pattern: '{text}[ $]{amount}' },
]
const LOCALES = [
  { currency: 'USD', decimals: '1,234.50' },
  { currency: 'EUR', decimals: '1.234,50' },
  { currency: 'KRW', decimals: '1,234.50' },
]
/** Whole units come last: any number may be an amount of those. */
const GRAMMARS = LOCALES.map(locale =>
  compileGrammar(receiptGrammarSchema.parse({ ...locale, taxIncluded: false, lines: LINES })),
)

/** What framer and link make of a stream that ends. */
function receiptsIn(chunks: readonly Uint8Array[]): readonly Uint8Array[] {
  const framer = new EscPosFramer(OPTIONS)
  const link = new ReceiptLink(OPTIONS)
  const effects: LinkEffect[] = []
  let state = link.initial
  const frame = (output: FramerOutput): void => {
    const step = link.next(state, { type: 'framed', output, atMs: 0 })
    effects.push(...step.effects)
    state = step.state
  }
  for (const chunk of chunks) framer.push(chunk).forEach(frame)
  effects.push(...link.ended(state, { of: 'line', rest: framer.idle() }).effects)
  return effects.flatMap(effect => (effect.type === 'deliver' ? [effect.payload] : []))
}

const printed: Adapter = ({ hex, chunks }) => {
  const payloads = receiptsIn((chunks ?? [hex]).map(fromHex))
  const printouts = payloads.map(payload => readPrintout(payload, OPTIONS))
  const lines = printouts.flatMap(one => one.lines).filter(({ text }) => text !== '')
  const texts = lines.map(({ text }) => text)
  const all = <Value>(of: (printout: Printout) => readonly Value[]): readonly Value[] =>
    printouts.flatMap(of)
  const [image] = all(one => one.images)
  const [request] = all(one => one.requests)
  const [drawerPin] = all(one => one.drawers)
  const encoding = printouts.find(one => one.encoding !== undefined)?.encoding
  return {
    lines: texts,
    contains: texts,
    align: lines.map(({ align }) => align),
    receipts: printouts.filter(isReceipt).length,
    events: eventsOf(printouts),
    warnings: printouts.reduce((sum, one) => sum + one.warnings, 0),
    barcodes: all(one => one.codes).map(({ symbology, data }) => [symbology, raw(data)]),
    encoding: encoding ?? 'ascii',
    drawer_pin: drawerPin,
    image: image && { width_bytes: image.widthBytes, height: image.height },
    ...requestOf(request),
    ...soldOn(texts),
  }
}

/** The reader spells bytes that no one can read as `\xHH`. */
function raw(data: string): string {
  return data.replace(/\\x([0-9a-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
}

function isReceipt({ lines, codes, images }: Printout): boolean {
  return lines.some(({ text }) => text !== '') || codes.length > 0 || images.length > 0
}

function eventsOf(printouts: readonly Printout[]): readonly string[] {
  const kinds: readonly (readonly [string, (printout: Printout) => boolean])[] = [
    ['image', one => one.images.length > 0],
    ['barcode', one => one.codes.length > 0],
    ['qrcode', one => one.codes.some(({ symbology }) => symbology === 'QR Code')],
    // An empty line feeds paper and does nothing else.
    ['feed', one => one.feeds > 0 || one.lines.some(({ text }) => text === '')],
    ['cut', one => one.cuts > 0],
    ['drawer-pulse', one => one.drawers.length > 0],
    ['beep', one => one.buzzes.bell > 0],
    ['buzzer', one => one.buzzes.bell + one.buzzes.buzzer > 0],
  ]
  return kinds.filter(([, happened]) => printouts.some(happened)).map(([kind]) => kind)
}

function requestOf(request: Printout['requests'][number] | undefined): Observed {
  if (request === undefined) return {}
  const { name, command } = request
  return {
    request: name,
    reply_online_hex: toHex(statusReply(command, READY)),
    reply_offline_hex: toHex(statusReply(command, { ...READY, online: false })),
  }
}

/** By the decimals with which there is a total, else by cents with which something is sold. */
function soldOn(texts: readonly string[]): Observed {
  const readings = GRAMMARS.map(grammar => readReceipt(texts, grammar))
  const facts =
    readings.find(({ total }) => total !== undefined) ??
    readings.slice(0, -1).find(({ items }) => items.length > 0)
  if (facts === undefined) return { items: [] }
  const { items, taxes, tenders, subtotal, total } = facts
  const sold = items.reduce((sum, { amount }) => sum + amount, facts.rounding ?? 0)
  const tax = taxes.reduce((sum, { amount }) => sum + amount, 0)
  return {
    items: items.map(({ text, amount }) => [text, amount]),
    subtotal_minor: subtotal,
    tax_minor: taxes.length === 0 ? undefined : tax,
    total_minor: total,
    tenders: tenders.map(({ type, amount }) => [type, amount]),
    change_minor: facts.change,
    consistent: total === sold || total === sold + tax,
  }
}

/** A byte alone does not say what it answers: every reading that it admits. */
const status = ({ hex }: { readonly hex: string }): readonly Observed[] =>
  readStatus(fromHex(hex)).map(({ command, state }) => ({
    request: command,
    ...(state.online === undefined ? {} : { online: state.online, offline: !state.online }),
    ...(state.drawerOpen === undefined ? {} : { drawer_open: state.drawerOpen }),
    ...(state.coverOpen === undefined ? {} : { cover_open: state.coverOpen }),
    ...(state.paper === undefined ? {} : { paper: state.paper }),
    ...(state.error === undefined ? {} : { error: errorIn(command, state.error) }),
  }))

/** The answer to DLE EOT 2 says that there is an error, and not which. */
function errorIn(command: string, error: string): string | boolean {
  return command === 'DLE EOT 2' ? error !== 'none' : error
}

const customerDisplay: Adapter = ({ hex, chunks }) => {
  const { commands, lines } = readDisplay(concatBytes((chunks ?? [hex]).map(fromHex)))
  return { commands, lines, contains: lines }
}

/** Receipt printers and the displays that speak like them. */
export const ESC_POS: Readonly<Record<string, Adapter>> = {
  escpos: vector => (vector.direction === 'printer->host' ? status(vector) : printed(vector)),
  'customer-display': customerDisplay,
}
