import { hash } from 'node:crypto'
import { z } from 'zod'
import { messageOf } from '../core/errors.js'
import { fail, ok, type Result } from '../core/result.js'
import { describeIssues, parseJson, parseWith } from '../core/schema.js'
import { canonicalJson, SpelledJson } from './canonical-json.js'

/** What makes an event this event and no other. */
export interface EventIdentity {
  readonly source: string
  readonly id: string
  readonly store: string
  /** SHA-256 of the canonical `data`, hex. */
  readonly dataDigest: string
}

/** Loose on purpose: events of types that a newer gateway knows must be recognised, too. */
const identified = z.object({
  source: z.string(),
  id: z.string(),
  store: z.string(),
  data: z.unknown(),
})

/** The identity of journaled bytes, whatever the type of their event. */
export function identityOf(bytes: Uint8Array): Result<EventIdentity, string> {
  const json = parseJson(Buffer.from(bytes).toString('utf8'))
  if (!json.ok) return json
  const parsed = parseWith(identified, json.value)
  if (!parsed.ok) return fail(describeIssues(parsed.error))
  const { source, id, store, data } = parsed.value
  try {
    return ok({ source, id, store, dataDigest: digestOf(data) })
  } catch (thrown) {
    return fail(messageOf(thrown))
  }
}

/** SHA-256 of the canonical JSON of `data`, hex. @throws TypeError where `canonicalJson` does. */
export function digestOf(data: unknown): string {
  return digestOfSpelled(new SpelledJson(canonicalJson(data)))
}

export function digestOfSpelled({ text }: SpelledJson): string {
  return hash('sha256', text, 'hex')
}

/** 32 bytes that stand for (source, id). */
export function identityHash(identity: Pick<EventIdentity, 'source' | 'id'>): Uint8Array {
  const pair = JSON.stringify([identity.source, identity.id])
  return hash('sha256', pair, 'buffer')
}
