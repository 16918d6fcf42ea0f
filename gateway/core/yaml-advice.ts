import { z } from 'zod'

type Path = readonly (string | number)[]
type ZodIssue = z.core.$ZodIssue

/** One thing to mend: where it stands (a value, or the key itself), and what to write there. */
export interface Advice {
  readonly path: Path
  readonly at: 'value' | 'key'
  readonly text: string
  /** The key that is missing, or that this one should have been: a misspelling is one fault. */
  readonly missing?: string
  readonly misspelt?: string
}

/** The part of JSON Schema that advice is taken from. */
const nodeSchema = z.looseObject({
  $ref: z.string().optional(),
  $defs: z.record(z.string(), z.unknown()).optional(),
  type: z.string().optional(),
  description: z.string().optional(),
  examples: z.array(z.unknown()).optional(),
  enum: z.array(z.unknown()).optional(),
  const: z.unknown().optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
  additionalProperties: z.unknown().optional(),
  items: z.unknown().optional(),
  prefixItems: z.array(z.unknown()).optional(),
  anyOf: z.array(z.unknown()).optional(),
  oneOf: z.array(z.unknown()).optional(),
  allOf: z.array(z.unknown()).optional(),
})
type Node = z.infer<typeof nodeSchema>

interface Subject {
  readonly root: Node
  readonly value: unknown
  spelling(path: Path): string | undefined
}

/**
 * What an operator should do about each issue of a schema. A schema teaches by its `description`
 * ("expected …") and its first entry of `examples` ("write …"), given through `.meta()`.
 */
export function adviseOn(options: {
  readonly issues: readonly ZodIssue[]
  readonly schema: z.ZodType
  readonly value: unknown
  readonly spelling: (path: Path) => string | undefined
}): readonly Advice[] {
  const { issues, schema, value, spelling } = options
  const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
  const subject = { root: asNode(json), value, spelling }
  const advice = issues.flatMap(issue => advise(issue, subject))
  const misspelt = new Set(advice.map(one => one.misspelt))
  return advice.filter(one => one.missing === undefined || !misspelt.has(one.missing))
}

function advise(issue: ZodIssue, subject: Subject): readonly Advice[] {
  const path = issue.path.map(key => (typeof key === 'symbol' ? String(key) : key))
  switch (issue.code) {
    case 'custom':
      return [{ path, at: 'value', text: issue.message }]
    case 'unrecognized_keys':
      return issue.keys.map(key => unknownKey([...path, key], subject))
    case 'invalid_key':
      return [{ path, at: 'key', text: `expected another key: ${issue.issues[0]?.message ?? ''}` }]
    case 'invalid_union':
      return adviseOnUnion(issue, subject)
    default: {
      const missing = valueAt(subject.value, path) === undefined && path.length > 0
      return [missing ? missingKey(path, subject) : wrongValue({ path, issue }, subject)]
    }
  }
}

/** Of the ways a value may look, the one it comes nearest to: the fewest and deepest issues. */
function adviseOnUnion(
  issue: Extract<ZodIssue, { code: 'invalid_union' }>,
  subject: Subject,
): readonly Advice[] {
  const path = issue.path.map(key => (typeof key === 'symbol' ? String(key) : key))
  const depth = (issues: readonly ZodIssue[]) => Math.max(0, ...issues.map(one => one.path.length))
  const [nearest] = [...issue.errors].sort(
    (left, right) => depth(right) - depth(left) || left.length - right.length,
  )
  if (nearest === undefined || depth(nearest) === 0)
    return [
      valueAt(subject.value, path) === undefined
        ? missingKey(path, subject)
        : wrongValue({ path, issue }, subject),
    ]
  return nearest.flatMap(inner =>
    advise({ ...inner, path: [...issue.path, ...inner.path] }, subject),
  )
}

function unknownKey(path: Path, subject: Subject): Advice {
  const key = String(path.at(-1))
  const known = new Set(
    nodesAt(subject, path.slice(0, -1)).flatMap(node => Object.keys(node.properties ?? {})),
  )
  const near = nearestOf(key, [...known])
  const write = near === undefined ? 'leave it out' : `write \`${near}\``
  const expected = known.size === 0 ? 'no key here' : `one of ${[...known].join(', ')}`
  const advice: Advice = { path, at: 'key', text: `expected ${expected}; ${write}` }
  return near === undefined
    ? advice
    : { ...advice, misspelt: [...path.slice(0, -1), near].join('.') }
}

function missingKey(path: Path, subject: Subject): Advice {
  const key = String(path.at(-1))
  const nodes = nodesAt(subject, path)
  const text = `expected \`${key}\`, ${describe(nodes)}; write \`${key}: ${exampleOf(nodes)}\``
  return { path: path.slice(0, -1), at: 'key', text, missing: path.join('.') }
}

function wrongValue(
  wrong: { readonly path: Path; readonly issue: ZodIssue },
  subject: Subject,
): Advice {
  const { path, issue } = wrong
  const nodes = nodesAt(subject, path)
  const found = valueAt(subject.value, path)
  const allowed = nodes.flatMap(choicesOf).map(String)
  const wantsText = nodes.some(node => node.type === 'string') && allowed.length === 0
  const spelt = subject.spelling(path)
  const plain = typeof found === 'number' || typeof found === 'boolean'
  const write =
    wantsText && plain && spelt !== undefined
      ? `"${spelt}" (in quotes)`
      : (nearestOf(String(found), allowed) ?? exampleOf(nodes))
  return { path, at: 'value', text: `expected ${expectation(issue, nodes)}; write \`${write}\`` }
}

/** A schema's own wording where it has one, else what its shape says. */
function expectation(issue: ZodIssue, nodes: readonly Node[]): string {
  const own = nodes.find(node => node.description !== undefined)?.description
  if (own !== undefined) return own
  if (issue.code === 'invalid_format' && !issue.message.startsWith('Invalid')) return issue.message
  if (issue.code === 'invalid_format' && issue.pattern !== undefined)
    return `text like ${issue.pattern}`
  const sized = /^Too (?:small|big): expected (.*)$/.exec(issue.message)
  return sized?.[1] ?? describe(nodes)
}

function describe(nodes: readonly Node[]): string {
  const choices = [...new Set(nodes.flatMap(choicesOf))]
  const described = [
    ...(choices.length > 0 ? [`one of ${choices.join(', ')}`] : []),
    ...nodes.map(describeNode).filter(text => text !== undefined),
  ]
  return [...new Set(described)].join(' or ') || 'another value'
}

function describeNode(node: Node): string | undefined {
  if (node.description !== undefined) return node.description
  if (choicesOf(node).length > 0) return undefined
  switch (node.type) {
    case 'string':
      return 'text'
    case 'boolean':
      return 'true or false'
    case 'array':
      return 'a list'
    case 'object':
      return 'a section'
    case 'integer':
    case 'number':
      return describeNumber(node)
    default:
      return undefined
  }
}

function describeNumber(node: Node): string {
  const kind = node.type === 'integer' ? 'a whole number' : 'a number'
  const bounds = [
    ...(node.minimum !== undefined && node.minimum > Number.MIN_SAFE_INTEGER
      ? [`from ${node.minimum}`]
      : []),
    ...(node.maximum !== undefined && node.maximum < Number.MAX_SAFE_INTEGER
      ? [`to ${node.maximum}`]
      : []),
  ]
  return [kind, ...bounds].join(' ')
}

function exampleOf(nodes: readonly Node[]): string {
  const given = nodes.find(node => node.examples !== undefined)?.examples?.[0]
  if (given !== undefined) return typeof given === 'string' ? given : JSON.stringify(given)
  const [first] = nodes
  if (first === undefined) return '…'
  const [choice] = choicesOf(first)
  if (choice !== undefined) return String(choice)
  switch (first.type) {
    case 'boolean':
      return 'true'
    case 'integer':
    case 'number':
      return String(Math.max(first.minimum ?? 1, 1))
    case 'array':
      return '[…]'
    case 'object':
      return '{…}'
    default:
      return '"…"'
  }
}

function choicesOf(node: Node): readonly unknown[] {
  return node.const === undefined ? (node.enum ?? []) : [node.const]
}

/**
 * Every schema that may stand at `path`; unions are followed into each of their branches, but for
 * those that the value says it is not (`type: zvt` is no `modbus`).
 */
function nodesAt({ root, value }: Subject, path: Path): readonly Node[] {
  let nodes = fitting(branches(root, root), value)
  for (const [index, key] of path.entries()) {
    const children = nodes.flatMap(node => {
      const child = childOf(node, key)
      return child === undefined ? [] : branches(asNode(child), root)
    })
    nodes = fitting(children, valueAt(value, path.slice(0, index + 1)))
  }
  return nodes
}

/** Those whose constants are what the value has; all of them where none is. */
function fitting(nodes: readonly Node[], value: unknown): readonly Node[] {
  const fits = nodes.filter(({ properties = {} }) =>
    Object.entries(properties).every(([key, json]) => {
      const { const: constant } = asNode(json)
      const found = valueAt(value, [key])
      return constant === undefined || found === undefined || found === constant
    }),
  )
  return fits.length > 0 ? fits : nodes
}

function childOf(node: Node, key: string | number): unknown {
  if (typeof key === 'number') return node.prefixItems?.[key] ?? node.items
  const child = node.properties?.[key] ?? node.additionalProperties
  return child === false ? undefined : child
}

function branches(node: Node, root: Node): readonly Node[] {
  if (node.$ref !== undefined) {
    const name = node.$ref.split('/').at(-1) ?? ''
    return node.$ref === '#' ? branches(root, root) : branches(asNode(root.$defs?.[name]), root)
  }
  const inner = [...(node.anyOf ?? []), ...(node.oneOf ?? []), ...(node.allOf ?? [])]
  if (inner.length === 0 || node.description !== undefined)
    return [node, ...inner.flatMap(one => branches(asNode(one), root))]
  return inner.flatMap(one => branches(asNode(one), root))
}

function asNode(json: unknown): Node {
  const node = nodeSchema.safeParse(json)
  return node.success ? node.data : {}
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (at, key) =>
      typeof at === 'object' && at !== null && Object.hasOwn(at, key)
        ? Object.entries(at).find(([name]) => name === String(key))?.[1]
        : undefined,
    value,
  )
}

/** The candidate that most resembles `text`, unless none does. */
export function nearestOf(text: string, candidates: readonly string[]): string | undefined {
  const begun = candidates.find(candidate => text !== '' && candidate.startsWith(text))
  if (begun !== undefined) return begun
  const scored = candidates
    .map(candidate => ({ candidate, distance: editDistance(text, candidate) }))
    .filter(({ candidate, distance }) => distance <= Math.max(2, candidate.length / 2))
    .sort((left, right) => left.distance - right.distance)
  return scored[0]?.candidate
}

/** Levenshtein distance, case ignored. */
function editDistance(left: string, right: string): number {
  const target = [...right.toLowerCase()]
  let row = target.map((_, index) => index + 1)
  let before = 0
  for (const letter of left.toLowerCase()) {
    let diagonal = before
    before += 1
    let previous = before
    row = row.map((above, index) => {
      const cost = Math.min(above + 1, previous + 1, diagonal + (letter === target[index] ? 0 : 1))
      diagonal = above
      previous = cost
      return cost
    })
  }
  return row.at(-1) ?? before
}
