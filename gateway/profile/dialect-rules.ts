import { compilePattern, groupNames } from '../codec/safe-pattern.js'
import { LIMITS } from '../core/limits.js'
import { checkDocuments } from './dialect-documents.js'
import { checkEvent, type Path, type Refuse, refuseRepeats } from './event-rules.js'
import type { ValueField } from './field-type.js'
import { templateNames } from './layout/pattern.js'
import { type Group, type Outline, outlineOf } from './message-fields.js'
import { type DialectFile, dialectSchema, type Gathered, type Message } from './schema.js'

/**
 * A dialect whose parts fit each other: every name stands for something, every pattern is
 * bounded.
 */
export const dialectFileSchema = dialectSchema.superRefine((dialect, context) => {
  const refuse: Refuse = (path, message) =>
    context.addIssue({ code: 'custom', path: [...path], message })
  refuseRepeats(
    dialect.messages.map(message => message.name),
    (index, name) =>
      refuse(['messages', index, 'name'], `expected another name than ${name}; write a new one`),
  )
  checkDocuments(dialect, refuse)
  checkGathered(dialect, refuse)
  checkDriving(dialect, refuse)
  for (const [index, message] of dialect.messages.entries())
    checkMessage({
      dialect,
      message,
      refuse: (path, text) => refuse(['messages', index, ...path], text),
    })
})

/** A link that drives hears ACK and NAK between the frames, and has the verb that it asks with. */
function checkDriving({ link, framing }: DialectFile, refuse: Refuse): void {
  if (link.type !== 'ecr' && link.type !== 'enq-eot') return
  const controls = 'controls' in framing ? (framing.controls ?? '') : ''
  const heard = [link.ack, link.nak, ...(link.type === 'enq-eot' ? [link.enq, link.eot] : [])]
  const missing = heard.filter(byte => !controls.match(/../g)?.includes(byte))
  if (missing.length > 0)
    refuse(
      ['framing', 'controls'],
      `expected the answers of the link; write \`controls: "${heard.join('')}"\``,
    )
  const { ask, requests } = link
  if (ask !== undefined && requests[ask] === undefined)
    refuse(
      ['link', 'ask'],
      `expected one of the requests; write ${Object.keys(requests).join(', ')}`,
    )
}

function checkMessage(options: {
  readonly dialect: DialectFile
  readonly message: Message
  readonly refuse: Refuse
}): void {
  const { dialect, message, refuse } = options
  const outline = outlineOf(message.layout)
  checkNames(outline, refuse)
  checkTags(message, refuse)
  for (const group of outline.groups) checkCount({ message, group, outline, refuse })
  checkSeparators(message, refuse)
  checkPattern(message, refuse)
  checkCardData({ cardData: dialect.cardData, outline, refuse })
  checkCurrency({ currency: dialect.currency, outline, refuse })
  checkSums({ checks: message.checks, outline, refuse })
  if (message.event !== undefined) checkEvent({ event: message.event, outline, refuse })
}

function checkNames(outline: Outline, refuse: Refuse): void {
  const scopes = [
    [...outline.fields, ...outline.groups],
    ...outline.groups.map(group => group.fields),
  ]
  for (const scope of scopes)
    refuseRepeats(
      scope.map(field => field.name),
      (_, name) => refuse(['layout'], `expected each field once; write \`${name}\` once`),
    )
}

function checkTags(message: Message, refuse: Refuse): void {
  if (message.layout.type !== 'tlv') return
  const { fields } = message.layout
  const inner = fields.flatMap(field => (field.type === 'rows' ? [field.fields] : []))
  for (const scope of [fields, ...inner])
    refuseRepeats(
      scope.map(field => field.tag),
      (_, tag) => refuse(['layout'], `expected each tag once; write another than ${tag}`),
    )
}

/** Columns are read in order, so their count must come before them; TLV elements in any order. */
function checkCount(options: {
  readonly message: Message
  readonly group: Group
  readonly outline: Outline
  readonly refuse: Refuse
}): void {
  const { message, group, outline, refuse } = options
  if (group.count === undefined) return
  const { fields } = message.layout
  const named = (name: string) =>
    fields.findIndex(one => one.type !== 'constant' && one.name === name)
  const count = outline.fields.find(field => field.name === group.count)
  const isLate = message.layout.type !== 'tlv' && named(group.count) > named(group.name)
  if (count?.type !== 'integer' || isLate)
    refuse(
      ['layout', 'fields', named(group.name), 'count'],
      `expected an earlier field of type integer; write its name for \`${group.count}\``,
    )
}

/** A row is one column of its message, so what is between columns cannot be in it. */
function checkSeparators(message: Message, refuse: Refuse): void {
  if (message.layout.type !== 'delimited') return
  const { separator, fields } = message.layout
  for (const [index, field] of fields.entries()) {
    if (field.type !== 'rows') continue
    const at = (name: string): Path => ['layout', 'fields', index, name]
    if (field.separator === separator)
      refuse(
        at('separator'),
        "expected another separator than the message's; write what stands between cells of a row",
      )
    if (field.between === separator || field.between === field.separator)
      refuse(
        at('between'),
        "expected another than the separators; write what stands between the column's rows",
      )
    const isOpen = field.count === undefined && field.between === undefined
    if (isOpen && fields.slice(index + 1).some(isInColumns))
      refuse(
        at('count'),
        'expected one group whose rows nobody counts; write `count`, or `between` for one column',
      )
  }
}

function isInColumns(field: { readonly type: string; readonly between?: string }): boolean {
  return field.type === 'rows' && field.between === undefined
}

function checkPattern(message: Message, refuse: Refuse): void {
  const { layout } = message
  if (layout.type !== 'pattern') return
  const compiled = compilePattern(layout.pattern)
  if (!compiled.ok) {
    refuse(['layout', 'pattern'], `expected ${compiled.error}; write it so`)
    return
  }
  const fields = layout.fields.map(field => field.name)
  const missing = fields.find(name => !groupNames(layout.pattern).includes(name))
  const extra = groupNames(layout.pattern).find(name => !fields.includes(name))
  if (missing !== undefined)
    refuse(['layout', 'pattern'], `expected a group for ${missing}; write (?<${missing}>…)`)
  if (extra !== undefined)
    refuse(['layout', 'pattern'], `expected a field for each group; write a field named ${extra}`)
  const placed = templateNames(layout.template)
  const unplaced = fields.find(name => !placed.includes(name))
  const unknown = placed.find(name => !fields.includes(name))
  if (unplaced !== undefined)
    refuse(['layout', 'template'], `expected a place for ${unplaced}; write {${unplaced}}`)
  if (unknown !== undefined)
    refuse(['layout', 'template'], `expected fields of the message; write one for {${unknown}}`)
}

/** Of a frame that cannot be read nobody knows where the card data stands. */
function checkCardData(options: {
  readonly cardData: boolean
  readonly outline: Outline
  readonly refuse: Refuse
}): void {
  const { cardData, outline, refuse } = options
  const fields = [...outline.fields, ...outline.groups.flatMap(group => group.fields)]
  const suspect = fields.find(field => field.type === 'pan' || field.type === 'sensitive')
  if (suspect !== undefined && !cardData)
    refuse(['layout'], `expected card data in ${suspect.name}; write \`cardData: true\` above`)
}

function checkCurrency(options: {
  readonly currency: string | undefined
  readonly outline: Outline
  readonly refuse: Refuse
}): void {
  const { currency, outline, refuse } = options
  const scopes = [outline.fields, ...outline.groups.map(group => group.fields)]
  if (!scopes.flat().some(field => field.type === 'amount')) return
  if (currency === undefined)
    refuse(['layout'], 'expected a currency for the amounts; write `currency: EUR` in the dialect')
  else if (currency.startsWith('$')) {
    const field = outline.fields.find(one => one.name === currency.slice(1))
    if (field === undefined || field.type === 'amount')
      refuse(
        ['layout'],
        `expected a field \`${currency.slice(1)}\`; write one that holds the currency`,
      )
  }
}

function checkSums(options: {
  readonly checks: Message['checks']
  readonly outline: Outline
  readonly refuse: Refuse
}): void {
  const { checks, outline, refuse } = options
  const isAmount = (fields: readonly ValueField[], name: string) =>
    fields.some(field => field.name === name && field.type === 'amount')
  for (const [index, check] of (checks ?? []).entries()) {
    const [groupName = '', fieldName = ''] = check.sum.split('.')
    const group = outline.groups.find(one => one.name === groupName)
    if (group === undefined || !isAmount(group.fields, fieldName))
      refuse(['checks', index, 'sum'], 'expected an amount of a group; write such as items.amount')
    for (const [at, name] of check.equals.entries())
      if (!isAmount(outline.fields, name))
        refuse(['checks', index, 'equals', at], 'expected an amount; write the name of its field')
  }
}

/** Parts name the message they are of, and that one names them: each at one place. */
function checkGathered(dialect: DialectFile, refuse: Refuse): void {
  const { messages, gathered = [], cardData } = dialect
  const placed = gathered.flatMap(({ name, first, rows, last }) =>
    [first, ...Object.values(rows), last].map(part => `${part} of ${name}`),
  )
  for (const [index, { name, part }] of messages.entries())
    if (part !== undefined && placed.filter(one => one === `${name} of ${part}`).length !== 1)
      refuse(['messages', index, 'part'], `expected one place for ${name} in \`gathered\` ${part}`)
  // Of parts that are kept nobody would know where the card data stands.
  if (cardData && gathered.length > 0)
    refuse(['gathered'], 'expected no card data in parts; write `cardData: false` above')
  refuseRepeats(
    gathered.map(({ name }) => name),
    (index, name) => refuse(['gathered', index, 'name'], `expected another name than ${name}`),
  )
  for (const [index, one] of gathered.entries())
    checkOneGathered({
      gathered: one,
      messages,
      refuse: (path, text) => refuse(['gathered', index, ...path], text),
    })
}

function checkOneGathered(options: {
  readonly gathered: Gathered
  readonly messages: readonly Message[]
  readonly refuse: Refuse
}): void {
  const { gathered, messages, refuse } = options
  const { name, first, last, number, same, event, checks } = gathered
  const outlineAt = (path: Path, part: string): Outline => {
    const message = messages.find(one => one.name === part && one.part === name)
    if (message === undefined)
      refuse(path, `expected a message with \`part: ${name}\`; write its name`)
    const outline = message ? outlineOf(message.layout) : { fields: [], groups: [] }
    const missing = same.find(field => !outline.fields.some(one => one.name === field))
    if (message !== undefined && missing !== undefined)
      refuse(['same'], `expected fields of every part; write one that ${part} has, too`)
    return outline
  }
  const opening = outlineAt(['first'], first)
  const closing = outlineAt(['last'], last)
  const groups = Object.entries(gathered.rows).map(([group, part]): Group => {
    const row = outlineAt(['rows', group], part)
    const counter = row.fields.find(field => field.name === number)
    if (row.groups.length > 0) refuse(['rows', group], 'expected a message without rows of its own')
    if (counter?.type !== 'integer' || counter.optional === true)
      refuse(['number'], `expected an integer that ${part} always has; write its name`)
    return { name: group, count: undefined, max: LIMITS.gatheredParts, fields: row.fields }
  })
  const outline = {
    fields: [...opening.fields, ...closing.fields],
    groups: [...opening.groups, ...closing.groups, ...groups],
  }
  checkSums({ checks, outline, refuse })
  checkEvent({ event, outline, refuse })
}
