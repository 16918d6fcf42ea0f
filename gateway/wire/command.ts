import { z } from 'zod'
import { storeIdSchema, terminalIdSchema } from '../core/id-schema.js'
import { fail, ok, type Result } from '../core/result.js'
import { decodeJson } from '../core/schema.js'
import { commandFailure } from '../event/gateway-command.js'

/** A level of a topic, and a key of the store's memory. */
const commandId = z.string().regex(/^[a-z0-9-]{1,40}$/)
const verb = z.string().regex(/^[a-z][A-Za-z0-9-]{0,39}$/)
const instant = z.iso.datetime({ offset: true })
const text = z.string().max(400)
const challenge = z.string().regex(/^[0-9a-f]{32}$/)

/** Of a terminal's verbs, and of most of the gateway's: words and numbers. */
const commandValues = z
  .record(z.string().max(40), z.union([z.string().max(8000), z.number(), z.boolean()]))
  .refine(values => Object.keys(values).length <= 40, 'at most 40 values')

/** What HQ wants done: the payload that it signs (docs/commands.md). */
export const commandRequest = z.strictObject({
  v: z.literal(1),
  /** New for each thing to be done: a store does what has one id once. */
  id: commandId,
  /** Who at HQ asks for it; it stands in the journal. */
  issuer: z.string().min(1).max(80),
  issuedAt: instant,
  /** From then on the store does not begin it any more. */
  expiresAt: instant,
  store: storeIdSchema,
  /** A terminal of the store, or `gateway`. */
  target: terminalIdSchema,
  verb,
  arguments: commandValues,
  /** What the store's status said: proves that this was signed since. */
  challenge: challenge.exactOptional(),
})

export type CommandRequest = z.infer<typeof commandRequest>
export type CommandValues = CommandRequest['arguments']

export function encodeRequest(request: CommandRequest): string {
  return JSON.stringify(request)
}

export function decodeRequest(payload: Uint8Array): Result<CommandRequest, string> {
  const request = decodeJson(commandRequest, payload)
  if (!request.ok) return request
  const { issuedAt, expiresAt } = request.value
  return Date.parse(issuedAt) < Date.parse(expiresAt)
    ? ok(request.value)
    : fail('expiresAt: before issuedAt')
}

export const commandOutcome = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('successful'), values: commandValues }),
  z.strictObject({ type: z.literal('failed'), reason: commandFailure, detail: text }),
])

/** How a command ended. */
export type CommandOutcome = z.infer<typeof commandOutcome>

const word = { v: z.literal(1), id: commandId } as const

/** What the store says about a request, as often as it is asked. */
const commandReport = z.discriminatedUnion('state', [
  z.strictObject({ ...word, state: z.enum(['accepted', 'executing']) }),
  /** Nothing is known of it: signed again under its id, with this challenge, it is begun. */
  z.strictObject({
    ...word,
    state: z.literal('challenged'),
    challenge,
    /** The start of the gateway that knows nothing of it: another may have begun it. */
    epoch: z.string().max(60),
  }),
  z.strictObject({
    ...word,
    state: z.literal('ended'),
    outcome: commandOutcome,
    /** Chunks of the answer, where there is one beside the values. */
    chunks: z.int().min(0).exactOptional(),
  }),
])

export type CommandReport = z.infer<typeof commandReport>

export function encodeReport(report: CommandReport): string {
  return JSON.stringify(report)
}

export function decodeReport(payload: Uint8Array): Result<CommandReport, string> {
  return decodeJson(commandReport, payload)
}
