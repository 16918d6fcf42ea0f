import { isNode, type PlacedNode, type Rule, type SyntaxNode } from './source-tree.js'

export const noDefaultExport: Rule = tree =>
  tree.flatMap(file =>
    file.nodes.filter(isDefaultExport).map(({ line }) => `${file.path}:${line}: default export`),
  )

function isDefaultExport({ node }: PlacedNode): boolean {
  if (node.type === 'ExportDefaultDeclaration' || node.type === 'TSExportAssignment') return true
  return node.type === 'ExportSpecifier' && nameOf(node.exported) === 'default'
}

export const noAny: Rule = tree =>
  tree.flatMap(file =>
    file.nodes
      .filter(({ node }) => node.type === 'TSAnyKeyword')
      .map(({ line }) => `${file.path}:${line}: any: say unknown and parse it`),
  )

/** What reaches outside the program, and the only places (files or folders) that may do so. */
const GUARDED: readonly { readonly names: readonly string[]; readonly only: readonly string[] }[] =
  [
    {
      names: [
        'Date.now',
        'new Date()',
        'Date()',
        'performance.now',
        'process.hrtime',
        'setTimeout',
        'setInterval',
        'setImmediate',
        'AbortSignal.timeout',
        'timers',
        'timers/promises',
      ],
      only: ['core/clock.ts'],
    },
    { names: ['Math.random'], only: ['core/random.ts'] },
    { names: ['process.env'], only: ['config/'] },
    // The judge is a program of its own: its word must not depend on a process of ours running it.
    {
      names: ['process.stdout', 'process.stderr'],
      only: ['cli/', 'simulator/ledger-checker.ts'],
    },
    { names: ['console'], only: [] },
  ]

/** Time, randomness, environment and the terminal are injected, so that a test can own them. */
export const noForbiddenCalls: Rule = tree =>
  tree.flatMap(file => {
    const forbidden = new Set(
      GUARDED.filter(({ only }) => !only.some(place => file.path.startsWith(place))).flatMap(
        ({ names }) => names,
      ),
    )
    const used = [
      ...file.imports.map(({ target, line }) => ({ name: target.replace(/^node:/, ''), line })),
      ...file.nodes.flatMap(placed => uses(placed).map(name => ({ name, line: placed.line }))),
    ]
    return used
      .filter(({ name }) => forbidden.has(name))
      .map(({ name, line }) => `${file.path}:${line}: ${name}: take it from outside`)
  })

/** The guarded thing a node stands for: `Date.now`, `new Date()`, `setTimeout`, `process.env` … */
function uses({ node, parent, key }: PlacedNode): readonly string[] {
  const callee = nameOf(node.callee)
  if (node.type === 'NewExpression' && callee === 'Date')
    return Array.isArray(node.arguments) && node.arguments.length > 0 ? [] : ['new Date()']
  if (node.type === 'CallExpression' && callee === 'Date') return ['Date()']
  if (node.type === 'MemberExpression') return memberNames(node)
  if (node.type === 'VariableDeclarator') return destructuredNames(node)
  if (node.type === 'ImportDeclaration') return importedNames(node)
  if (node.type === 'Identifier' && !isLabel(parent, key)) return [String(node.name)]
  return []
}

function memberNames(node: SyntaxNode): readonly string[] {
  const property = nameOf(node.property)
  const object = nameOf(node.object) ?? ''
  if (property === undefined) return []
  return object === 'globalThis' ? [property] : [`${object}.${property}`]
}

/** `const { env } = process` */
function destructuredNames({ id, init }: SyntaxNode): readonly string[] {
  const object = nameOf(init)
  if (object === undefined || !isNode(id) || !Array.isArray(id.properties)) return []
  return id.properties.flatMap(property => {
    const key = isNode(property) ? nameOf(property.key) : undefined
    return key === undefined ? [] : [`${object}.${key}`]
  })
}

/** `import { env } from 'node:process'` */
function importedNames({ source, specifiers }: SyntaxNode): readonly string[] {
  const from = nameOf(source)?.replace(/^node:/, '')
  if (!Array.isArray(specifiers)) return []
  return specifiers.flatMap(specifier => {
    const name = isNode(specifier) ? nameOf(specifier.imported) : undefined
    return name === undefined ? [] : [`${from}.${name}`]
  })
}

/** The name of an identifier, of `globalThis.x`, or the text of a string literal. */
function nameOf(node: unknown): string | undefined {
  if (!isNode(node)) return undefined
  if (node.type === 'MemberExpression' && nameOf(node.object) === 'globalThis')
    return nameOf(node.property)
  const name = node.name ?? node.value
  return typeof name === 'string' ? name : undefined
}

/** Names of members and keys are labels, not uses of the global of that name. */
function isLabel(parent: SyntaxNode | undefined, key: string): boolean {
  if (parent === undefined || parent.computed === true || parent.shorthand === true) return false
  return key === 'property' || key === 'key' || key === 'imported' || key === 'exported'
}
