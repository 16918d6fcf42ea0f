import { LIMITS } from '../../core/limits.js'
import type { ProtocolFields, ReadMessage } from '../protocol.js'
import type { Printout } from './printout.js'
import type { ReceiptGrammar } from './receipt-grammar.js'
import { isMoney, type ReceiptFacts, type ReceiptKind } from './receipt-reader.js'

const CODES_KEPT = 20
const CODE_CHARACTERS = 400

/** What was printed, whatever it means. */
export function receiptMessage(options: {
  readonly printout: Printout
  readonly kind: ReceiptKind | 'drawer'
  readonly facts?: ReceiptFacts
  readonly grammar?: ReceiptGrammar
}): ReadMessage {
  const { printout, kind, facts, grammar } = options
  const { number, date, time } = facts?.head ?? {}
  const total = facts?.total
  const { text, leftOut } = keptText(printout.lines.map(line => line.text))
  return {
    name: 'receipt',
    fields: {
      kind,
      text,
      ...(leftOut === 0 ? {} : { linesLeftOut: leftOut }),
      ...(number === undefined ? {} : { number }),
      ...(date === undefined ? {} : { date }),
      ...(time === undefined ? {} : { time }),
      ...(total === undefined || grammar === undefined
        ? {}
        : { total, currency: grammar.currency }),
      images: printout.images.length,
      cut: printout.cuts > 0,
      drawer: printout.drawers.length > 0,
      warnings: printout.warnings,
      codes: printout.codes.slice(0, CODES_KEPT).map(({ symbology, data }) => ({
        symbology,
        data: data.slice(0, CODE_CHARACTERS),
      })),
    },
  }
}

/** As many lines as fit an event; those behind them are counted. */
function keptText(lines: readonly string[]): { readonly text: string; readonly leftOut: number } {
  const kept: string[] = []
  let characters = 0
  for (const line of lines) {
    characters += line.length + 1
    if (characters > LIMITS.receiptCharacters) break
    kept.push(line)
  }
  return { text: kept.join('\n'), leftOut: lines.length - kept.length }
}

/** The sale on a receipt that is one, where nothing speaks against it. */
export function saleMessage(facts: ReceiptFacts, grammar: ReceiptGrammar): ReadMessage | undefined {
  const { kind, items, tenders, taxes, total, head, issues } = facts
  if (!isMoney(kind) || issues.length > 0 || total === undefined) return undefined
  const { number, date, time, operator, businessDay, zNumber } = head
  const fields: ProtocolFields = {
    ...(time === undefined ? {} : { time }),
    ...(operator === undefined ? {} : { operator }),
    ...(businessDay === undefined ? {} : { businessDay }),
    currency: grammar.currency,
    total,
    ...(facts.rounding === undefined ? {} : { rounding: facts.rounding }),
    ...(facts.change === undefined ? {} : { change: facts.change }),
    taxIncluded: grammar.taxIncluded,
    items: items.map(item => ({ ...item, quantity: item.quantity ?? '1' })),
    tenders: tenders.map(tender => ({ ...tender })),
    taxes: taxes.map(tax => ({ ...tax })),
  }
  if (number === undefined || date === undefined) return { name: `unnumbered-${kind}`, fields }
  const day = zNumber ?? businessDay ?? date
  return { name: kind, fields: { ...fields, number, date, day } }
}
