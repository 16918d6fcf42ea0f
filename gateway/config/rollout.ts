import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { messageOf } from '../core/errors.js'
import { storeIdSchema } from '../core/id-schema.js'
import { fail, type Result } from '../core/result.js'
import { parseYaml, validateYaml } from '../core/yaml-source.js'

const ring = z.strictObject({
  name: z.string().regex(/^[a-z0-9-]{1,40}$/),
  /** `rest`: every store that the ledger knows and no ring before names. */
  stores: z.union([z.literal('rest'), z.array(storeIdSchema).min(1).max(100_000)]),
})

const rollout = z.strictObject({
  /** As the package and `tillbridge --version` have it. */
  version: z.string().min(1).max(40),
  soakHours: z.number().min(0).max(1_000).default(24),
  proveMinutes: z.int().min(1).max(10_000).default(30),
  /** Ill stores that a ring may have. */
  tolerate: z.int().min(0).max(100_000).default(0),
  rings: z.array(ring).min(1).max(50),
})

/** Which stores get a version, and in which order. */
export type Rollout = z.infer<typeof rollout>

/** Failures are lines for the operator: where, what was expected, what to write instead. */
export function loadRollout(file: string): Result<Rollout, readonly string[]> {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (thrown) {
    return fail([`${file}:1:1: expected a readable file (${messageOf(thrown)}); write its path`])
  }
  const source = parseYaml({ file, text })
  if (!source.ok) return source
  return validateYaml({ source: source.value, value: source.value.value, schema: rollout })
}
