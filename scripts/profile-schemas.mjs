// Writes firmware-profiles/*.schema.json from gateway/profile/schema.ts; with --check it only compares.
// Run after `npm run build`.
import { readFileSync, writeFileSync } from 'node:fs'
import { z } from 'zod'
import {
  casesSchema,
  dialectSchema,
  profileSchema,
  protocolDialectSchema,
} from '../build/gateway/profile/schema.js'

const folder = new URL('../firmware-profiles/', import.meta.url)
const check = process.argv.includes('--check')
const schemas = {
  profile: profileSchema,
  dialect: z.union([dialectSchema, protocolDialectSchema]),
  cases: casesSchema,
}

for (const [kind, schema] of Object.entries(schemas)) {
  const file = new URL(`${kind}.schema.json`, folder)
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input', reused: 'ref' })
  const title = `<name>.${kind}.yaml of tillbridge, format 1`
  const text = `${JSON.stringify({ $schema, title, ...rest }, null, 2)}\n`
  let present = ''
  try {
    present = readFileSync(file, 'utf8')
  } catch {
    // Not there yet: it counts as different.
  }
  if (present === text) continue
  if (check) {
    console.error(`${kind}.schema.json is behind gateway/profile: node scripts/profile-schemas.mjs`)
    process.exit(1)
  }
  writeFileSync(file, text)
}
