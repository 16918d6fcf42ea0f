import type { StoreId } from '../core/ids.js'
import { LIMITS } from '../core/limits.js'
import type { DocumentKind } from '../event/document.js'
import type { PublicKey } from '../security/signature.js'
import { type DocumentManifest, decodeManifest } from '../wire/document.js'
import { type TwoPerson, verifySeconded } from './two-person.js'

/** Kinds that say what commands do, and who may give them: two persons sign these, too. */
const DECIDING: ReadonlySet<DocumentKind> = new Set(['configuration', 'profiles'])

type Reading =
  | { readonly type: 'manifest'; readonly jws: string; readonly manifest: DocumentManifest }
  | { readonly type: 'denied'; readonly reason: string; readonly detail: string }

/** What a message on a document's topic says, and whether HQ said it to this store. */
export function readManifest(
  payload: Uint8Array,
  at: {
    readonly keys: readonly PublicKey[]
    readonly twoPerson?: TwoPerson | undefined
    /** Whose topic it was, and the name in it. */
    readonly scope: StoreId | 'hq'
    readonly name: string
  },
): Reading {
  const { twoPerson, scope, name } = at
  if (payload.length > LIMITS.documentManifestBytes)
    return { type: 'denied', reason: 'malformed', detail: `${name}: ${payload.length} bytes` }
  const jws = Buffer.from(payload).toString('latin1')
  const verified = verifySeconded(jws, at)
  if (!verified.ok) return { type: 'denied', reason: verified.error, detail: `of ${name}` }
  const decoded = decodeManifest(verified.value.payload)
  if (!decoded.ok)
    return { type: 'denied', reason: 'malformed', detail: `${name}: ${decoded.error}` }
  const manifest = decoded.value
  const takesTwo = twoPerson !== undefined && DECIDING.has(manifest.kind)
  if (takesTwo && !verified.value.isSeconded)
    return { type: 'denied', reason: 'one-signature', detail: `${name}: ${manifest.kind}` }
  if (manifest.store === scope && manifest.name === name) return { type: 'manifest', jws, manifest }
  const detail = `${manifest.name} for ${manifest.store}, heard as ${name} for ${scope}`
  return { type: 'denied', reason: 'foreign', detail }
}
