import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { stringify } from 'yaml'
import { z } from 'zod'
import { loadConfig } from '../../gateway/config/load.js'
import { shopConfigSchema } from '../../gateway/config/schema.js'

/** As much of JSON Schema as says which keys there are. */
interface Node {
  readonly properties?: Readonly<Record<string, Node>> | undefined
  readonly items?: Node | undefined
  readonly anyOf?: readonly Node[] | undefined
}
const node: z.ZodType<Node> = z.lazy(() =>
  z.object({
    properties: z.record(z.string(), node).optional(),
    items: node.optional(),
    anyOf: z.array(node).optional(),
  }),
)

interface Key {
  readonly path: readonly (string | number)[]
  readonly isSection: boolean
}

/** Every key that a shop's file may hold, in the first member of each list. */
function* keysOf(schema: Node, above: readonly (string | number)[] = []): Iterable<Key> {
  for (const one of schema.anyOf ?? []) yield* keysOf(one, above)
  if (schema.items !== undefined) yield* keysOf(schema.items, [...above, 0])
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    const path = [...above, name]
    const isSection = child.properties !== undefined
    yield { path, isSection }
    yield* keysOf(child, path)
  }
}

/** A shop's file with this one value in its place, whatever else may lack around it. */
function withValue(path: Key['path'], value: unknown): unknown {
  return path.reduceRight<unknown>((inner, key) => (key === 0 ? [inner] : { [key]: inner }), value)
}

const isWithin = (name: string, section: string): boolean =>
  name === section || name.startsWith(`${section}.`)

const schema = node.parse(z.toJSONSchema(shopConfigSchema, { io: 'input', unrepresentable: 'any' }))
const keys = [...new Map([...keysOf(schema)].map(key => [key.path.join('.'), key])).values()]

t.test('every key that is wrong is named with its line, and what to write', async t => {
  t.ok(keys.length > 100)
  const folder = t.testdir({})
  const file = join(folder, 'shop.yaml')
  for (const { path, isSection } of keys) {
    const name = path.join('.')
    const wrong = isSection ? 'nonsense' : { nonsense: { of: 'course' } }
    const text = stringify(withValue(path, wrong))
    writeFileSync(file, text)
    const loaded = loadConfig({ file, env: {} })
    const errors = loaded.ok ? [] : loaded.error
    // What lacks around it is named, too; of a choice between several its section is.
    const places = errors.map(error => /:\d+:\d+: ([\w.]+): expected /.exec(error)?.[1] ?? '-')
    const [nearest = '-'] = places
      .filter(place => isWithin(name, place) || isWithin(place, name))
      .sort((left, right) => right.length - left.length)
    const own = errors[places.indexOf(nearest)]
    t.match(own, /^.*shop\.yaml:\d+:\d+: .+: expected .+; (write .+|leave it out)/, name)
    const [, line] = /:(\d+):\d+: /.exec(own ?? '') ?? []
    const depth = path.filter(key => key !== 0).length
    t.ok(Math.abs(Number(line) - depth) <= 1, `${name} stands in line ${depth}, not in ${line}`)
  }
})

t.test('every key is described', async t => {
  const described = ['configuration', 'in-store-broker']
    .map(name => readFileSync(`docs/${name}.md`, 'utf8'))
    .join()
  for (const { path } of keys)
    t.ok(described.includes(String(path.at(-1))), `docs/configuration.md lacks ${path.join('.')}`)
})
