// Writes docs/schema/<type>.schema.json from gateway/event; with --check it only compares.
// Run after `npm run build`.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { z } from 'zod'
import { EVENT_CATALOG } from '../build/gateway/event/catalog.js'
import { dataSchemaOf, envelopeSchema } from '../build/gateway/event/event.js'

const folder = new URL('../docs/schema/', import.meta.url)
const check = process.argv.includes('--check')

function schemaOf(type) {
  const options = { io: 'input' }
  const { $schema, ...envelope } = z.toJSONSchema(envelopeSchema, options)
  const { $schema: _, ...data } = z.toJSONSchema(EVENT_CATALOG[type].data, options)
  return {
    $schema,
    $id: dataSchemaOf(type),
    title: type,
    ...envelope,
    properties: { ...envelope.properties, type: { const: type }, data },
    // Subscribers get four members more than the journal holds (wire/fan-out).
    additionalProperties: true,
  }
}

const wanted = new Map(
  Object.keys(EVENT_CATALOG).map(type => [
    `${type}.schema.json`,
    `${JSON.stringify(schemaOf(type), null, 2)}\n`,
  ]),
)
mkdirSync(folder, { recursive: true })
const stale = []
for (const name of readdirSync(folder)) if (!wanted.has(name)) stale.push(name)
for (const [name, text] of wanted) {
  let present = ''
  try {
    present = readFileSync(new URL(name, folder), 'utf8')
  } catch {
    // Not there yet: it counts as different.
  }
  if (present !== text) stale.push(name)
}
if (check && stale.length > 0) {
  console.error(`docs/schema is behind gateway/event: ${stale.join(', ')}; run npm run schemas`)
  process.exit(1)
}
if (!check) {
  for (const name of stale) rmSync(new URL(name, folder), { force: true })
  for (const [name, text] of wanted) writeFileSync(new URL(name, folder), text)
}
