import { LIMITS } from '../../core/limits.js'
import { currencyPlaces } from '../../core/money.js'
import {
  isProduct,
  plainDecimal,
  printedAmount,
  printedDate,
  printedTime,
} from './printed-value.js'
import { type LineRole, RECEIPT_KINDS, type ReceiptGrammar } from './receipt-grammar.js'

export interface ReceiptItem {
  readonly text: string
  readonly amount: number
  readonly quantity?: string
  readonly unitPrice?: string
  readonly rate?: string
}

export interface ReceiptTender {
  readonly type: 'cash' | 'card' | 'voucher' | 'mobile' | 'other'
  readonly amount: number
}

export interface ReceiptTax {
  readonly rate?: string
  readonly net?: number
  readonly amount: number
}

/** `other`: no word of what it is, and no total. */
export type ReceiptKind = (typeof RECEIPT_KINDS)[number] | 'sale' | 'other'

/** What the grammar found on a receipt, all amounts in minor units. */
export interface ReceiptFacts {
  readonly kind: ReceiptKind
  readonly items: readonly ReceiptItem[]
  readonly tenders: readonly ReceiptTender[]
  readonly taxes: readonly ReceiptTax[]
  readonly subtotal?: number
  readonly total?: number
  readonly rounding?: number
  readonly change?: number
  readonly head: Readonly<Partial<Record<HeadField, string>>>
  /** Why it is no sale, though it looks like one; they hold no value. */
  readonly issues: readonly string[]
}

export type HeadField = 'number' | 'date' | 'time' | 'operator' | 'businessDay' | 'zNumber'

export function readReceipt(lines: readonly string[], grammar: ReceiptGrammar): ReceiptFacts {
  const reader = new ReceiptReader(grammar)
  for (const line of lines) reader.take(line.trim().replace(/\s+/g, ' '))
  return reader.facts()
}

/** A kind that stands for money, so that what does not add up is an issue. */
export function isMoney(kind: ReceiptKind): kind is 'sale' | 'return' | 'void' {
  return kind === 'sale' || kind === 'return' || kind === 'void'
}

/** Of a pattern's match, and the whole `line`. */
type Groups = Readonly<Record<string, string | undefined>>

/** Behind the total nothing is sold any more, and before it nothing is paid. */
const BEFORE_TOTAL: ReadonlySet<LineRole> = new Set([
  'item',
  'quantity',
  'discount',
  'void',
  'subtotal',
])
const BEHIND_TOTAL: ReadonlySet<LineRole> = new Set(['tender', 'change'])

class ReceiptReader {
  readonly #grammar: ReceiptGrammar
  readonly #items: ReceiptItem[] = []
  readonly #tenders: ReceiptTender[] = []
  readonly #taxes: ReceiptTax[] = []
  readonly #head: Partial<Record<HeadField, string>> = {}
  readonly #issues: string[] = []
  readonly #kinds = new Set<ReceiptKind>()
  #subtotal: number | undefined
  #total: number | undefined
  #rounding: number | undefined
  #change: number | undefined
  /** The line before, where no rule matched it: the text of an item without one. */
  #unmatched: string | undefined
  /** Printed before the item that it belongs to. */
  #nextQuantity: Pick<ReceiptItem, 'quantity' | 'unitPrice'> = {}

  constructor(grammar: ReceiptGrammar) {
    this.#grammar = grammar
  }

  take(line: string): void {
    if (line === '' || line.length > LIMITS.receiptLineCharacters) return
    for (const { kind, pattern } of this.#grammar.kinds)
      if (pattern.test(line)) this.#kinds.add(kind)
    for (const rule of this.#grammar.lines) {
      if ((this.#total === undefined ? BEHIND_TOTAL : BEFORE_TOTAL).has(rule.as)) continue
      const match = rule.pattern.exec(line)
      if (match === null) continue
      this.#apply(rule, { line, ...match.groups })
      this.#unmatched = undefined
      return
    }
    this.#unmatched = line
  }

  facts(): ReceiptFacts {
    const stated = RECEIPT_KINDS.find(one => this.#kinds.has(one))
    const kind = stated ?? (this.#total === undefined ? 'other' : 'sale')
    if (isMoney(kind) || (kind === 'other' && this.#items.length > 0)) this.#checkSums()
    const facts: ReceiptFacts = {
      kind,
      items: this.#items,
      tenders: this.#tenders,
      taxes: this.#taxes,
      ...(this.#subtotal === undefined ? {} : { subtotal: this.#subtotal }),
      ...(this.#total === undefined ? {} : { total: this.#total }),
      ...(this.#rounding === undefined ? {} : { rounding: this.#rounding }),
      ...(this.#change === undefined ? {} : { change: this.#change }),
      head: this.#head,
      issues: this.#issues,
    }
    return kind === 'return' && (this.#total ?? 0) > 0 ? turned(facts) : facts
  }

  #apply(rule: ReceiptGrammar['lines'][number], groups: Groups): void {
    if (rule.as === 'head') this.#readHead(groups)
    else if (rule.as === 'quantity') this.#readQuantity(groups, rule.of ?? 'next')
    else if (rule.as !== 'ignore') this.#readAmount(rule, groups)
  }

  #readAmount(rule: ReceiptGrammar['lines'][number], groups: Groups): void {
    const { amount: printed = '', line = '' } = groups
    const amount = printedAmount(printed, this.#grammar)
    if (amount === undefined) {
      this.#issues.push(`${rule.as}: an amount that can be counted`)
      return
    }
    switch (rule.as) {
      case 'item':
        this.#addItem(groups, amount)
        break
      case 'discount':
      case 'void':
        this.#addItem({ text: line.slice(0, line.lastIndexOf(printed)) }, -Math.abs(amount))
        break
      case 'subtotal':
        this.#subtotal = amount
        if (sumOf(this.#items) !== amount)
          this.#issues.push('subtotal: the items do not add up to it')
        break
      case 'tax':
        this.#taxes.push(this.#taxOf(rule.rate, { groups, amount }))
        break
      case 'rounding':
        this.#rounding = (this.#rounding ?? 0) + amount
        break
      case 'total':
        if ((this.#total ?? amount) !== amount)
          this.#issues.push('total: it is printed twice, and differs')
        this.#total = amount
        break
      case 'tender':
        this.#tenders.push({ type: rule.type ?? 'other', amount })
        break
      case 'change':
        this.#change = (this.#change ?? 0) + Math.abs(amount)
        break
    }
  }

  #addItem(groups: Groups, amount: number): void {
    const { text: named } = groups
    const text = named?.trim() ?? this.#unmatched
    if (text === undefined) this.#issues.push('item: the line before it, which names it')
    const quantity = this.#decimalIn(groups, 'quantity')
    const unitPrice = this.#decimalIn(groups, 'unitPrice')
    const rate = this.#decimalIn(groups, 'rate')
    const item = {
      text: text ?? '',
      amount,
      ...this.#nextQuantity,
      ...(quantity === undefined ? {} : { quantity }),
      ...(unitPrice === undefined ? {} : { unitPrice }),
      ...(rate === undefined ? {} : { rate }),
    }
    this.#nextQuantity = {}
    this.#checkProduct(item)
    this.#items.push(item)
  }

  #readQuantity(groups: Groups, of: 'next' | 'previous'): void {
    const quantity = this.#decimalIn(groups, 'quantity') ?? ''
    const unitPrice = this.#decimalIn(groups, 'unitPrice') ?? ''
    if (of === 'next') {
      this.#nextQuantity = { quantity, unitPrice }
      return
    }
    const item = this.#items.pop()
    if (item === undefined) {
      this.#issues.push('quantity: an item before it')
      return
    }
    this.#checkProduct({ ...item, quantity, unitPrice })
    this.#items.push({ ...item, quantity, unitPrice })
  }

  #checkProduct({ quantity, unitPrice, amount }: ReceiptItem): void {
    if (quantity === undefined || unitPrice === undefined) return
    const places = currencyPlaces(this.#grammar.currency)
    if (!isProduct({ quantity, unitPrice }, { amount, places }))
      this.#issues.push('item: its amount is not quantity times price')
  }

  #taxOf(
    stated: string | undefined,
    { groups, amount }: { readonly groups: Groups; readonly amount: number },
  ): ReceiptTax {
    const rate = this.#decimalIn(groups, 'rate') ?? stated
    const { net: printed = '' } = groups
    const net = printedAmount(printed, this.#grammar)
    return {
      ...(rate === undefined ? {} : { rate }),
      ...(net === undefined ? {} : { net }),
      amount,
    }
  }

  #decimalIn(groups: Groups, name: string): string | undefined {
    const text = groups[name]
    return text === undefined ? undefined : plainDecimal(text, this.#grammar.decimals)
  }

  /** What is said first holds: a payment slip may follow, with a date of its own. */
  #readHead(groups: Groups): void {
    const { dates } = this.#grammar
    const { number, operator, zNumber, date = '', businessDay = '', time = '' } = groups
    const found = {
      number,
      operator: operator?.trim(),
      zNumber,
      date: printedDate(date, dates),
      businessDay: printedDate(businessDay, dates),
      time: printedTime(time),
    }
    const fields = ['number', 'operator', 'zNumber', 'date', 'businessDay', 'time'] as const
    for (const field of fields) {
      const value = found[field]
      if (value !== undefined) this.#head[field] ??= value
    }
  }

  #checkSums(): void {
    if (this.#total === undefined) {
      this.#issues.push('total: a line of the receipt')
      return
    }
    if (this.#items.length === 0) this.#issues.push('items: one at least')
    const taxes = this.#grammar.taxIncluded ? 0 : sumOf(this.#taxes)
    if (sumOf(this.#items) + taxes + (this.#rounding ?? 0) !== this.#total)
      this.#issues.push('total: the items do not add up to it')
    const paid = sumOf(this.#tenders) - (this.#change ?? 0)
    if (this.#tenders.length > 0 && paid !== this.#total)
      this.#issues.push('total: what was paid does not add up to it')
  }
}

function sumOf(rows: readonly { readonly amount: number }[]): number {
  return rows.reduce((sum, { amount }) => sum + amount, 0)
}

/** Goods that come back count less than nothing, however the till prints them. */
function turned(facts: ReceiptFacts): ReceiptFacts {
  const turn = <Row extends { readonly amount: number }>(row: Row): Row => ({
    ...row,
    amount: 0 - row.amount,
  })
  return {
    ...facts,
    items: facts.items.map(turn),
    tenders: facts.tenders.map(turn),
    taxes: facts.taxes.map(tax => ({
      ...turn(tax),
      ...(tax.net === undefined ? {} : { net: 0 - tax.net }),
    })),
    ...(facts.total === undefined ? {} : { total: 0 - facts.total }),
    ...(facts.rounding === undefined ? {} : { rounding: 0 - facts.rounding }),
    ...(facts.change === undefined ? {} : { change: 0 - facts.change }),
  }
}
