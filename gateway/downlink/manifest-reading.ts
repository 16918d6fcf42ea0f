import type { StoreId } from '../core/ids.js'
import { LIMITS } from '../core/limits.js'
import { verifyJws } from '../security/jws.js'
import type { PublicKey } from '../security/signature.js'
import { type DocumentManifest, decodeManifest } from '../wire/document.js'

type Reading =
  | { readonly type: 'manifest'; readonly jws: string; readonly manifest: DocumentManifest }
  | { readonly type: 'denied'; readonly reason: string; readonly detail: string }

/** What a message on a document's topic says, and whether HQ said it to this store. */
export function readManifest(
  payload: Uint8Array,
  at: {
    readonly keys: readonly PublicKey[]
    /** Whose topic it was, and the name in it. */
    readonly scope: StoreId | 'hq'
    readonly name: string
  },
): Reading {
  const { keys, scope, name } = at
  if (payload.length > LIMITS.documentManifestBytes)
    return { type: 'denied', reason: 'malformed', detail: `${name}: ${payload.length} bytes` }
  const jws = Buffer.from(payload).toString('latin1')
  const verified = verifyJws(jws, keys)
  if (!verified.ok) return { type: 'denied', reason: verified.error, detail: `of ${name}` }
  const decoded = decodeManifest(verified.value)
  if (!decoded.ok)
    return { type: 'denied', reason: 'malformed', detail: `${name}: ${decoded.error}` }
  const manifest = decoded.value
  if (manifest.store === scope && manifest.name === name) return { type: 'manifest', jws, manifest }
  const detail = `${manifest.name} for ${manifest.store}, heard as ${name} for ${scope}`
  return { type: 'denied', reason: 'foreign', detail }
}
