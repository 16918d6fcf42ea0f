import { z } from 'zod'
import { storeIdSchema } from '../core/id-schema.js'
import type { Result } from '../core/result.js'
import { loadYamlFile } from './yaml-file.js'

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

/** As `loadYamlFile`. */
export function loadRollout(file: string): Result<Rollout, readonly string[]> {
  return loadYamlFile(file, rollout)
}
