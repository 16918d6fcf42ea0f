import type { StoreId } from '../core/ids.js'
import { LIMITS } from '../core/limits.js'
import { digestOf } from '../event/event-identity.js'
import type { PublicKey } from '../security/signature.js'
import { type CommandRequest, decodeRequest } from '../wire/command.js'
import { type TwoPerson, verifySeconded } from './two-person.js'

/** Why a message on a command's topic is nobody's business to carry out. */
export type Denial =
  | 'malformed'
  | 'unknown-key'
  | 'bad-signature'
  /** Of another store, or under the topic of another command. */
  | 'foreign'
  /** Another command had this id. */
  | 'id-reused'
  /** A second person has to sign it as well. */
  | 'one-signature'

export type Reading =
  /** HQ said it; `digest` tells it from any other, whatever challenge it bears. */
  | { readonly type: 'request'; readonly request: CommandRequest; readonly digest: string }
  | { readonly type: 'denied'; readonly reason: Denial; readonly detail: string }

/** What a message says, and whether HQ said it to this store. */
export function readCommand(
  payload: Uint8Array,
  at: {
    readonly keys: readonly PublicKey[]
    readonly store: StoreId
    /** The id that the topic names. */
    readonly id: string
    readonly twoPerson?: TwoPerson | undefined
  },
): Reading {
  const { store, id, twoPerson } = at
  if (payload.length > LIMITS.commandBytes)
    return { type: 'denied', reason: 'malformed', detail: `${id}: ${payload.length} bytes` }
  const jws = Buffer.from(payload).toString('latin1')
  const verified = verifySeconded(jws, at)
  if (!verified.ok) return { type: 'denied', reason: verified.error, detail: `of ${id}` }
  const decoded = decodeRequest(verified.value.payload)
  if (!decoded.ok)
    return { type: 'denied', reason: 'malformed', detail: `${id}: ${decoded.error}`.slice(0, 200) }
  const request = decoded.value
  if (request.store !== store || request.id !== id) {
    const detail = `${request.id} for ${request.store}, heard as ${id}`
    return { type: 'denied', reason: 'foreign', detail }
  }
  if (!verified.value.isSeconded && twoPerson?.verbs.includes(request.verb) === true)
    return { type: 'denied', reason: 'one-signature', detail: `${id}: ${request.verb}` }
  const { challenge: _, ...stated } = request
  return { type: 'request', request, digest: digestOf(stated) }
}

/** What a store knows of the time, when it judges a command. */
export interface Moment {
  readonly wallMs: number
  readonly isSure: boolean
  /** When this opening of the journal began: what came before it may be forgotten. */
  readonly openedWallMs: number
  /** How long ago at most the command was signed, by its challenge. */
  readonly signedWithinMs: number | undefined
}

export type Admission =
  /** It may be begun for so long. */
  | { readonly type: 'admitted'; readonly withinMs: number }
  | { readonly type: 'challenged' }
  | { readonly type: 'refused'; readonly reason: 'expired' | 'rejected'; readonly detail: string }

/**
 * Whether a command that the store does not remember may be begun. One that is out of date never
 * is. Where the clock does not know that, or the memory may have lost it (the command is older than
 * this opening of the journal: the card may have been put back), HQ must have signed it since: it
 * bears a challenge.
 */
export function admit(request: CommandRequest, moment: Moment): Admission {
  const { wallMs, isSure, openedWallMs, signedWithinMs } = moment
  const [issuedMs, expiresMs] = [Date.parse(request.issuedAt), Date.parse(request.expiresAt)]
  const lifetimeMs = expiresMs - issuedMs
  if (lifetimeMs > LIMITS.commandLifetimeMs)
    return { type: 'refused', reason: 'rejected', detail: 'it would be valid for over a day' }
  if (!isSure) {
    const isFresh = signedWithinMs !== undefined && signedWithinMs < lifetimeMs
    return isFresh
      ? { type: 'admitted', withinMs: lifetimeMs - signedWithinMs }
      : { type: 'challenged' }
  }
  if (wallMs >= expiresMs)
    return { type: 'refused', reason: 'expired', detail: `it expired at ${request.expiresAt}` }
  if (issuedMs - wallMs > LIMITS.commandAheadMs)
    return { type: 'refused', reason: 'rejected', detail: 'it is dated in the future' }
  const isOlder = issuedMs < openedWallMs
  return isOlder && signedWithinMs === undefined
    ? { type: 'challenged' }
    : { type: 'admitted', withinMs: expiresMs - wallMs }
}
