import { z } from 'zod'
import { rfc3339 } from '../core/clock.js'
import { type EventId, type StoreId, terminalId } from '../core/ids.js'
import { fail, ok, type Result } from '../core/result.js'
import { decodeJson } from '../core/schema.js'
import { canonicalJson } from '../event/canonical-json.js'
import { type ClockState, type Event, type EventData, GATEWAY_TERMINAL } from '../event/event.js'
import { makeEvent } from '../event/make-event.js'
import { isSignedBy, type PublicKey, type SigningKey } from './signature.js'

/** The types of events that carry the store's signature. */
export type SignedType = 'journal.checkpoint' | 'journal.statement'

export function isSignedType(type: string): type is SignedType {
  return type === 'journal.checkpoint' || type === 'journal.statement'
}

/** What is stated, before it is signed. */
export type UnsignedData<Type extends SignedType> = Omit<EventData<Type>, 'publicKey' | 'signature'>

interface Statement {
  readonly type: string
  readonly store: string
  readonly time: string
  readonly data: Readonly<Record<string, unknown>>
}

/**
 * The exact text that a store signs, in UTF-8; LF is one byte 0x0a, also at the end:
 *
 *     tillbridge signed 1 LF
 *     <type of the event> LF
 *     <store> LF
 *     <time of the event> LF
 *     <its data without `signature`, in canonical JSON (RFC 8785)> LF
 *
 * The first two lines keep a signature of one kind from being taken for one of another.
 */
export function signedText({ type, store, time, data }: Statement): string {
  const { signature: _, ...stated } = data
  return `tillbridge signed 1\n${type}\n${store}\n${time}\n${canonicalJson(stated)}\n`
}

/** An event of the gateway with the store's signature in its data. */
export function makeSignedEvent<Type extends SignedType>(options: {
  readonly key: SigningKey
  readonly type: Type
  readonly data: UnsignedData<Type>
  readonly id: EventId
  readonly store: StoreId
  readonly wallMs: number
  readonly timeZone: string
  readonly clockState: ClockState
}): Event {
  const { key, data, ...rest } = options
  const { type, store, wallMs, timeZone } = rest
  const stated = { ...data, publicKey: key.publicKey }
  const time = rfc3339(wallMs, timeZone)
  const signature = key.sign(signedText({ type, store, time, data: stated }))
  const signed: unknown = { ...stated, signature }
  // makeEvent checks it against the schema of its type, as it does everything.
  const checked = signed as EventData<Type>
  return makeEvent({ ...rest, terminal: terminalId(GATEWAY_TERMINAL), data: checked })
}

/** Loose: a newer gateway may state more, and signs that, too. */
const signedEvent = z.object({
  type: z.string(),
  store: z.string(),
  time: z.string(),
  data: z.looseObject({ publicKey: z.string(), signature: z.string() }),
})

/** A signed event whose signature was right, under the key that it names itself. */
export interface SignedEvent extends Statement {
  readonly publicKey: PublicKey
}

/** Reads the bytes of a signed event; whether its key is to be trusted is another question. */
export function readSignedEvent(bytes: Uint8Array): Result<SignedEvent, string> {
  const decoded = decodeJson(signedEvent, bytes)
  if (!decoded.ok) return decoded
  const { publicKey, signature } = decoded.value.data
  const text = signedText(decoded.value)
  if (!isSignedBy({ publicKey, text, signature })) return fail('its signature is wrong')
  return ok({ ...decoded.value, publicKey })
}
