import type { Capture, Decoded, DecodedMessage } from './dialect.js'
import { eventOf, type Making, rejected } from './event-of-message.js'
import type { Gatherer } from './gathering.js'
import type { MessageCodec } from './message-codec.js'
import { type MessageFields, rowsOf } from './message-fields.js'
import type { Message } from './schema.js'

/**
 * The first message that recognises a payload reads it. Whatever does not fit (a field, a sum, the
 * event's own schema) makes it `rejected`; issues name message and field and never hold a value,
 * since that might be a card number.
 */
export function decodeMessage(options: {
  /** `vendor/dialect@version` */
  readonly dialectId: string
  readonly cardData: boolean
  readonly messages: readonly MessageCodec[]
  readonly gatherers: readonly Gatherer[]
  readonly payload: Uint8Array
  readonly capture: Capture
  /** What is kept of a message that is not whole yet. */
  readonly held: readonly Uint8Array[]
}): DecodedMessage {
  const { dialectId, messages, payload } = options
  const codec = messages.find(one => one.recognises(payload))
  if (codec === undefined)
    return {
      messages: [],
      read: [],
      decoded: rejected(`no message of ${dialectId} looks like this`),
    }
  const { message } = codec
  const fields = codec.read(payload)
  const decoded = fields.ok
    ? meaningOf({ ...options, codec, fields: fields.value })
    : rejected(`${message.name}: ${fields.error.field}: expected ${fields.error.expected}`)
  const read = fields.ok ? [{ name: message.name, fields: fields.value }] : []
  return { messages: [message.name], read, decoded }
}

function meaningOf(
  options: Making & {
    readonly codec: MessageCodec
    readonly payload: Uint8Array
    readonly gatherers: readonly Gatherer[]
    readonly held: readonly Uint8Array[]
  },
): Decoded {
  const { codec, fields, gatherers } = options
  const { message } = codec
  if (codec.isSensitive(fields)) return { type: 'sensitive', message: message.name }
  const wrong = failedCheck(message.checks, fields)
  if (wrong !== undefined) return rejected(`${message.name}: ${wrong}`)
  if (message.reject !== undefined) return rejected(`${message.name}: ${message.reject}`)
  const gatherer = gatherers.find(({ declared }) => declared.name === message.part)
  if (gatherer !== undefined) return gather({ ...options, gatherer })
  const { event } = message
  if (event === undefined) return { type: 'ignored', message: message.name }
  return eventOf({ ...options, name: message.name, event })
}

function gather(
  options: Making & {
    readonly codec: MessageCodec
    readonly payload: Uint8Array
    readonly gatherer: Gatherer
    readonly gatherers: readonly Gatherer[]
    readonly held: readonly Uint8Array[]
  },
): Decoded {
  const { codec, gatherer, gatherers, held } = options
  const { name } = codec.message
  const unfinished = isUnfinished(gatherers, held) ? held : []
  const gathering = gatherer.take({ ...options, unfinished })
  switch (gathering.type) {
    case 'repeated':
      return { type: 'ignored', message: name }
    case 'part':
      return { type: 'part', message: name, step: gathering.step }
    case 'rejected':
      return { ...rejected(`${name}: ${gathering.issue}`), step: gathering.step }
    case 'whole': {
      const { declared } = gatherer
      const { fields, step } = gathering
      const wrong = failedCheck(declared.checks, fields)
      if (wrong !== undefined) return { ...rejected(`${declared.name}: ${wrong}`), step }
      const { event } = declared
      return { ...eventOf({ ...options, name: declared.name, event, fields }), step }
    }
  }
}

/** Whether what is held waits for further parts. */
export function isUnfinished(gatherers: readonly Gatherer[], held: readonly Uint8Array[]): boolean {
  return held.length > 0 && !gatherers.some(gatherer => gatherer.isWhole(held))
}

function failedCheck(checks: Message['checks'], fields: MessageFields): string | undefined {
  const failed = (checks ?? []).find(check => {
    const [group = '', field = ''] = check.sum.split('.')
    const sum = rowsOf(fields, group).reduce((total, row) => total + numberIn(row[field]), 0)
    const equals = check.equals.reduce((total, name) => total + numberIn(fields[name]), 0)
    return sum !== equals
  })
  return failed && `${failed.sum}: expected to add up to ${failed.equals.join(' + ')}`
}

/** Absent optional amounts count nothing. */
function numberIn(value: unknown): number {
  return typeof value === 'number' ? value : 0
}
