import { z } from 'zod'
import { epochIdSchema, ledgerIdSchema } from '../core/id-schema.js'

import type { Result } from '../core/result.js'
import { decodeJson } from '../core/schema.js'

/** Sent at every connect and when the ledger's generation changes: what the journal still holds. */
const helloSchema = z.strictObject({
  v: z.literal(1),
  software: z.string().max(40),
  epochs: z
    .array(
      z.strictObject({
        epoch: epochIdSchema,
        first: z.int().min(1),
        last: z.int().min(0),
      }),
    )
    .max(10_000),
})

export type Hello = z.infer<typeof helloSchema>

export function encodeHello(hello: Hello): string {
  return JSON.stringify(hello)
}

export function decodeHello(payload: Uint8Array): Result<Hello, string> {
  return decodeJson(helloSchema, payload)
}

/**
 * The generation of HQ's ledger, retained on `hq/ledger`. A new one means: start over from hello.
 */
const ledgerGeneration = z.strictObject({
  ledger: ledgerIdSchema,
  since: z.iso.datetime({ offset: true }),
})

export type LedgerGeneration = z.infer<typeof ledgerGeneration>

export function encodeLedgerGeneration(generation: LedgerGeneration): string {
  return JSON.stringify(generation)
}

export function decodeLedgerGeneration(payload: Uint8Array): Result<LedgerGeneration, string> {
  return decodeJson(ledgerGeneration, payload)
}
