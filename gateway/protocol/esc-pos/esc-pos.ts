import { z } from 'zod'
import { isCodePage } from '../../codec/code-page.js'
import { LIMITS } from '../../core/limits.js'
import type { Framer } from '../../line/framing/framer.js'
import type { Link } from '../../line/link/link.js'
import { type MessageOutline, oneMessage, type Protocol, type Reading } from '../protocol.js'
import { GUESSES, KATAKANA } from './code-tables.js'
import { EscPosFramer } from './framer.js'
import { RECEIPT_MESSAGES } from './messages.js'
import { type Printout, readPrintout } from './printout.js'
import { compileGrammar, type ReceiptGrammar, receiptGrammarSchema } from './receipt-grammar.js'
import { ReceiptLink } from './receipt-link.js'
import { receiptMessage, saleMessage } from './receipt-message.js'
import { isMoney, type ReceiptKind, readReceipt } from './receipt-reader.js'
import { writePrintout } from './writer.js'

const codePage = z
  .string()
  .refine(name => name === KATAKANA || isCodePage(name), {
    error: 'expected a code page; write `cp850`',
  })
  .meta({ description: 'a code page', examples: ['cp850'] })

/** A register that prints: how its printer writes text, when a receipt ends, what stands on it. */
export const escPosSchema = z.strictObject({
  type: z.literal('esc-pos'),
  /** What ESC t selects, where it is not as Epson numbers it. */
  codePages: z.record(z.string().regex(/^\d{1,3}$/), codePage).default({}),
  /** Of text in the double-byte mode (FS &). */
  doubleByte: codePage.default('gb18030'),
  /** What text may be in that no code page was selected for; tried in this order. */
  guesses: z.array(z.enum(GUESSES)).max(3).default(['utf-8']),
  /** Silence that ends a receipt which is not cut; longer than any pause within one. */
  silenceMs: z.int().min(200).max(600_000).default(5_000),
  /** Time after the cut in which an opened drawer still belongs to the receipt. */
  drawerWithinMs: z.int().min(0).max(10_000).default(2_000),
  /** In the last line of each receipt, where the printer has no cutter. */
  footer: z
    .string()
    .regex(/^[ -~]{3,60}$/)
    .meta({ description: '3 to 60 ASCII characters', examples: ['Thank you'] })
    .exactOptional(),
  maxReceiptBytes: z.int().min(64).max(LIMITS.receiptBytes).default(LIMITS.receiptBytes),
  /** Without it receipts are captured, and none is a sale. */
  receipt: receiptGrammarSchema.exactOptional(),
})

type Options = z.output<typeof escPosSchema>

/** So many commands that nobody knows, and more than lines, are noise: a wrong baud rate. */
const MOST_WARNINGS = 8

/**
 * The printer's side of a register, heard on the way to the printer. Sources: mike42/escpos-php,
 * receipt-print-hq/escpos-tools, danielmeza/CrossEscPosEmulator.
 */
export class EscPos implements Protocol {
  readonly messages: readonly MessageOutline[] = RECEIPT_MESSAGES
  readonly link: Link<unknown>
  readonly #options: Options
  readonly #grammar: ReceiptGrammar | undefined

  constructor(options: Options) {
    this.#options = options
    this.#grammar = options.receipt && compileGrammar(options.receipt)
    this.link = new ReceiptLink(options)
  }

  createFramer(): Framer {
    return new EscPosFramer(this.#options)
  }

  read(payload: Uint8Array): Reading {
    const printout = readPrintout(payload, this.#options)
    const { lines, codes, images, drawers, requests, warnings } = printout
    if (warnings > MOST_WARNINGS && warnings > lines.length)
      return { type: 'rejected', message: 'receipt', issue: 'expected commands of ESC/POS' }
    const isPrinted = lines.some(({ text }) => text !== '') || codes.length > 0 || images.length > 0
    if (isPrinted) return this.#readReceipt(printout)
    if (drawers.length > 0)
      return { type: 'messages', messages: [receiptMessage({ printout, kind: 'drawer' })] }
    const [request] = requests
    return request === undefined
      ? oneMessage('blank', {})
      : oneMessage('status-request', { request: request.command })
  }

  #readReceipt(printout: Printout): Reading {
    const lines = printout.lines.map(({ text }) => text)
    const grammar = this.#grammar
    const facts = grammar && readReceipt(lines, grammar)
    const kind = facts?.kind ?? 'other'
    const receipt = receiptMessage({ printout, kind, ...(facts && grammar && { facts, grammar }) })
    const sale = facts && grammar && saleMessage(facts, grammar)
    return {
      type: 'messages',
      messages: sale === undefined ? [receipt] : [receipt, sale],
      issues: (facts?.issues ?? []).map(issue => ({ message: saleName(kind), issue })),
    }
  }

  encode(message: string, values: Readonly<Record<string, unknown>>): Uint8Array {
    return writePrintout(message, values)
  }
}

/** What a receipt would be a message of that does not say what it is. */
function saleName(kind: ReceiptKind): string {
  return isMoney(kind) ? kind : 'sale'
}
