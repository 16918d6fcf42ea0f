import { equalBytes } from '../core/bytes.js'
import { LIMITS } from '../core/limits.js'
import { fail, ok, type Result } from '../core/result.js'
import type { GatheringStep } from './dialect.js'
import { referencesOf } from './event-mapping.js'
import type { MessageCodec } from './message-codec.js'
import { type MessageFields, type Row, scalarOf } from './message-fields.js'
import { type Gathered, messageValuesSchema } from './schema.js'
import { scrubFields } from './scrub-event.js'

/** What a part does. */
export type Gathering =
  /** It is kept already. */
  | { readonly type: 'repeated' }
  | { readonly type: 'part'; readonly step: GatheringStep }
  /** With the last part: the fields of the whole message. */
  | { readonly type: 'whole'; readonly step: GatheringStep; readonly fields: MessageFields }
  | { readonly type: 'rejected'; readonly issue: string; readonly step?: GatheringStep }

interface OpenMessage {
  readonly first: MessageFields
  readonly rows: readonly (readonly [group: string, row: Row])[]
}

/**
 * A message that comes in several frames. What was heard of it is held as payloads, without card
 * numbers; of a message that became whole the last part is held, to know its repeat. Pure.
 */
export class Gatherer {
  readonly declared: Gathered
  readonly #first: MessageCodec
  readonly #last: MessageCodec
  readonly #groups: readonly (readonly [group: string, codec: MessageCodec])[]
  readonly #members: ReadonlyMap<string, string>

  constructor(options: {
    readonly declared: Gathered
    readonly messages: readonly MessageCodec[]
  }) {
    const { declared, messages } = options
    const codecOf = (name: string): MessageCodec => {
      const codec = messages.find(({ message }) => message.name === name)
      if (codec === undefined) throw new RangeError(`${declared.name}: no message ${name}`)
      return codec
    }
    this.declared = declared
    this.#first = codecOf(declared.first)
    this.#last = codecOf(declared.last)
    this.#groups = Object.entries(declared.rows).map(([group, name]) => [group, codecOf(name)])
    this.#members = new Map(
      [...referencesOf(declared.event)]
        .filter(({ path }) => path[0] === 'data' && path.at(-1) !== 'each')
        .map(({ name, path }) => [name, String(path.at(-1))]),
    )
  }

  /** Whether this is the last part of a message that became whole. */
  isWhole(held: readonly Uint8Array[]): boolean {
    const [only, ...others] = held
    return only !== undefined && others.length === 0 && this.#last.recognises(only)
  }

  /** What a message that is a part of this one does, given what is held and waits for more. */
  take(part: {
    readonly codec: MessageCodec
    readonly fields: MessageFields
    readonly payload: Uint8Array
    readonly held: readonly Uint8Array[]
    readonly unfinished: readonly Uint8Array[]
  }): Gathering {
    const { codec, held, unfinished } = part
    const kept = this.#keepable(part)
    if (!kept.ok) return { type: 'rejected', issue: kept.error }
    const isFirst = codec === this.#first
    // The same beginning again, behind other parts, is a till that starts over.
    const known = isFirst ? held.slice(-1) : held
    if (known.some(one => equalBytes(one, kept.value))) return { type: 'repeated' }
    if (isFirst) return { type: 'part', step: { held: [kept.value], givenUp: unfinished } }
    return this.#continue({ ...part, payload: kept.value })
  }

  #continue(part: {
    readonly codec: MessageCodec
    readonly fields: MessageFields
    readonly payload: Uint8Array
    readonly held: readonly Uint8Array[]
  }): Gathering {
    const { codec, fields, payload, held } = part
    const { first, same, number } = this.declared
    const open = this.#read(held)
    if (open === undefined) return { type: 'rejected', issue: `expected ${first} before it` }
    const other = same.find(name => scalarOf(fields, name) !== scalarOf(open.first, name))
    if (other !== undefined)
      return { type: 'rejected', issue: `${other}: expected that of ${first} before it` }
    if (codec === this.#last)
      return {
        type: 'whole',
        step: { held: [payload], givenUp: held },
        fields: this.#wholeOf(open, fields),
      }
    if (scalarOf(fields, number) !== open.rows.length + 1)
      return { type: 'rejected', issue: `${number}: expected ${open.rows.length + 1}` }
    if (held.length >= LIMITS.gatheredParts)
      return {
        type: 'rejected',
        issue: `expected at most ${LIMITS.gatheredParts} parts`,
        step: { held: [], givenUp: held },
      }
    return { type: 'part', step: { held: [...held, payload], givenUp: [] } }
  }

  #wholeOf({ first, rows }: OpenMessage, last: MessageFields): MessageFields {
    const groups = this.#groups.map(([group]) => [
      group,
      rows.filter(([of]) => of === group).map(([, row]) => row),
    ])
    return { ...first, ...last, ...Object.fromEntries(groups) }
  }

  /** Nothing where what is held is not the beginning of this message. */
  #read([begun, ...following]: readonly Uint8Array[]): OpenMessage | undefined {
    const first = begun && readBy(this.#first, begun)
    if (first === undefined) return undefined
    const rows: [string, Row][] = []
    for (const payload of following) {
      const [group, codec] = this.#groups.find(([, one]) => one.recognises(payload)) ?? []
      const fields = codec && readBy(codec, payload)
      if (group === undefined || fields === undefined) return undefined
      rows.push([group, rowOf(fields)])
    }
    return { first, rows }
  }

  /** The payload without card numbers. */
  #keepable(part: {
    readonly codec: MessageCodec
    readonly fields: MessageFields
    readonly payload: Uint8Array
  }): Result<Uint8Array, string> {
    const scrubbed = scrubFields(part.fields, name => this.#members.get(name) ?? name)
    if (scrubbed.isClean) return ok(part.payload)
    const values = messageValuesSchema.safeParse(scrubbed.fields)
    const written = values.success ? part.codec.write(values.data) : undefined
    return written?.ok === true ? written : fail('what looks like a card number')
  }
}

function readBy(codec: MessageCodec, payload: Uint8Array): MessageFields | undefined {
  if (!codec.recognises(payload)) return undefined
  const fields = codec.read(payload)
  return fields.ok ? fields.value : undefined
}

function rowOf(fields: MessageFields): Row {
  const names = Object.keys(fields)
  return Object.fromEntries(
    names.flatMap(name => {
      const value = scalarOf(fields, name)
      return value === undefined ? [] : [[name, value]]
    }),
  )
}
