import { z } from 'zod'
import { compilePattern, groupNames } from '../../codec/safe-pattern.js'
import { LIMITS } from '../../core/limits.js'
import { currencyPlaces } from '../../core/money.js'

/**
 * What a receipt is, where it says so; without a word of it one with a total is a sale. One that
 * says several is the first of these: the reprint of a return is a reprint.
 */
export const RECEIPT_KINDS = [
  'training',
  'reprint',
  'z-report',
  'x-report',
  'kitchen',
  'void',
  'return',
] as const

const DATE_ORDERS = ['DMY', 'MDY', 'YMD'] as const

const source = z
  .string()
  .min(1)
  .max(400)
  .meta({
    description: 'a regular expression of a whole line, with places such as {text} and {amount}',
    examples: ['{text} {amount}'],
  })

/** What each kind of line has to say, and what it may say besides. */
const GROUPS = {
  item: { needs: ['amount'], may: ['text', 'quantity', 'unitPrice', 'rate', 'code'] },
  quantity: { needs: ['quantity', 'unitPrice'], may: [] },
  discount: { needs: ['amount'], may: [] },
  void: { needs: ['amount'], may: [] },
  subtotal: { needs: ['amount'], may: [] },
  tax: { needs: ['amount'], may: ['rate', 'net'] },
  rounding: { needs: ['amount'], may: [] },
  total: { needs: ['amount'], may: [] },
  tender: { needs: ['amount'], may: [] },
  change: { needs: ['amount'], may: [] },
  head: { needs: [], may: ['number', 'date', 'time', 'operator', 'businessDay', 'zNumber'] },
  ignore: { needs: [], may: ['text', 'amount', 'quantity', 'unitPrice', 'number', 'date', 'time'] },
} as const satisfies Readonly<
  Record<string, { readonly needs: readonly string[]; readonly may: readonly string[] }>
>

export type LineRole = keyof typeof GROUPS

// The keys of an object without a prototype of its own making.
const ROLES = Object.keys(GROUPS) as [LineRole, ...LineRole[]]

const lineRule = z.strictObject({
  as: z.enum(ROLES),
  pattern: source,
  /** Of a `tender`. */
  type: z.enum(['cash', 'card', 'voucher', 'mobile', 'other']).exactOptional(),
  /** Of a `tax` that prints no rate: "19". */
  rate: z
    .string()
    .regex(/^\d{1,2}(\.\d{1,3})?$/)
    .exactOptional(),
  /** Of a `quantity`: the item that it belongs to. */
  of: z.enum(['next', 'previous']).exactOptional(),
})

/**
 * How receipts are laid out: the first rule whose pattern matches a line, its blanks squeezed to
 * one, says what it is. Lines that no rule matches say nothing, but the text before an item that
 * is printed without one.
 */
export const receiptGrammarSchema = z
  .strictObject({
    currency: z.string().regex(/^[A-Z]{3}$/),
    /** How the till writes one thousand, two hundred and thirty-four and a half. */
    decimals: z.enum(['1.234,50', '1,234.50']),
    dates: z.enum(DATE_ORDERS).default('DMY'),
    /** Whether prices hold the tax; else tax lines count towards the total. */
    taxIncluded: z.boolean(),
    kinds: z
      .array(z.strictObject({ kind: z.enum(RECEIPT_KINDS), pattern: source }))
      .max(30)
      .default([]),
    lines: z.array(lineRule).min(1).max(60),
  })
  .superRefine((grammar, context) => {
    const refuse = (path: readonly (string | number)[], expected: string): void =>
      context.addIssue({
        code: 'custom',
        continue: false,
        path: [...path, 'pattern'],
        message: `expected ${expected}; write \`'{text} {amount}'\``,
      })
    for (const [index, { pattern }] of grammar.kinds.entries()) {
      const compiled = compileLine(pattern, grammar)
      if (!compiled.ok) refuse(['kinds', index], compiled.error)
    }
    for (const [index, { as: role, pattern }] of grammar.lines.entries()) {
      const { needs, may } = GROUPS[role]
      const compiled = compileLine(pattern, grammar)
      const names = groupNames(expandPlaces(pattern, grammar))
      const missing = needs.find(name => !names.includes(name))
      const foreign = names.find(name => ![...needs, ...may].some(known => known === name))
      if (!compiled.ok) refuse(['lines', index], compiled.error)
      else if (missing !== undefined) refuse(['lines', index], `{${missing}} in a line of ${role}`)
      else if (foreign !== undefined)
        refuse(['lines', index], `no {${foreign}} in a line of ${role}`)
    }
  })

export type ReceiptGrammarOptions = z.output<typeof receiptGrammarSchema>
type Locale = Pick<ReceiptGrammarOptions, 'currency' | 'decimals'>

/** A grammar whose patterns are ready. */
export interface ReceiptGrammar extends Omit<ReceiptGrammarOptions, 'kinds' | 'lines'> {
  readonly kinds: readonly {
    readonly kind: (typeof RECEIPT_KINDS)[number]
    readonly pattern: RegExp
  }[]
  readonly lines: readonly (Omit<ReceiptGrammarOptions['lines'][number], 'pattern'> & {
    readonly pattern: RegExp
  })[]
}

/** @throws RangeError where a pattern was not checked by the schema. */
export function compileGrammar(options: ReceiptGrammarOptions): ReceiptGrammar {
  const ready = <Rule extends { readonly pattern: string }>(rule: Rule) => {
    const compiled = compileLine(rule.pattern, options)
    if (!compiled.ok) throw new RangeError(compiled.error)
    return { ...rule, pattern: compiled.value }
  }
  return { ...options, kinds: options.kinds.map(ready), lines: options.lines.map(ready) }
}

function compileLine(pattern: string, locale: Locale): ReturnType<typeof compilePattern> {
  return compilePattern(expandPlaces(pattern, locale), LIMITS.receiptPatternPaths)
}

/** `{amount}` as the till writes amounts, and so on; what is no place stays as it is. */
function expandPlaces(pattern: string, { currency, decimals }: Locale): string {
  const [group, point] = decimals === '1.234,50' ? ['\\.', ','] : [',', '\\.']
  const places = currencyPlaces(currency)
  const amount = `-?\\d{1,6}(?:${group}\\d{3})?${places === 0 ? '' : `${point}\\d{${places}}`}-?`
  const expressions: Readonly<Record<string, string>> = {
    text: '.{1,64}',
    amount,
    net: amount,
    quantity: `\\d{1,4}(?:${point}\\d{1,3})?`,
    unitPrice: `\\d{1,4}(?:${group}\\d{3})?(?:${point}\\d{2,4})?`,
    rate: `\\d{1,2}(?:${point}\\d{1,3})?`,
    code: '[A-Z0-9]',
    number: '[0-9A-Za-z/-]{1,20}',
    zNumber: '\\d{1,10}',
    operator: '.{1,20}',
    date: '\\d{1,4}[./-]\\d{1,2}[./-]\\d{2,4}',
    businessDay: '\\d{1,4}[./-]\\d{1,2}[./-]\\d{2,4}',
    time: '\\d{1,2}:\\d\\d(?::\\d\\d)?(?: ?[AP]M)?',
  }
  return pattern.replace(/\{([A-Za-z]+)\}/g, (place, name: string) => {
    const expression = expressions[name]
    return expression === undefined ? place : `(?<${name}>${expression})`
  })
}
