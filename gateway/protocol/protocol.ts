import type { Framer } from '../line/framing/framer.js'
import type { Link } from '../line/link/link.js'

/**
 * A language that a declared layout cannot describe. It knows frames, fields and the rules of the
 * conversation; what its messages mean to HQ is for the dialect that names it.
 */
export interface Protocol {
  /** Everything that it may read. A dialect says of each what it means, or it is rejected. */
  readonly messages: readonly MessageOutline[]
  /** One for each session; the state is the link's own business. */
  readonly link: Link<unknown>
  /** A framer with an empty buffer: one for each time the line opens. */
  createFramer(): Framer
  /**
   * Pure: the same payload reads the same, whenever it is heard. `memory`: what the reading before
   * it wanted to be remembered, also over a restart; it is kept with the events, in one write.
   */
  read(payload: Uint8Array, memory?: Uint8Array): Reading
  /** Its messages are understood by what came before them. */
  readonly remembers?: true
  /** Whether, by what is remembered, nobody knows yet what came of something it was told. */
  isUnsettled?(memory: Uint8Array | undefined): boolean
  /**
   * The bytes a terminal would send for this message. @throws RangeError naming the field that
   * cannot hold its value, or where nothing is written in this message's name.
   */
  encode(message: string, values: Readonly<Record<string, unknown>>): Uint8Array
}

/** What one frame says. */
export type Reading =
  /** In order; several where one frame tells of several things (a receipt, and the sale on it). */
  | {
      readonly type: 'messages'
      readonly messages: readonly ReadMessage[]
      /** What else it said and is not understood; as below. */
      readonly issues?: readonly Misread[]
      /** To be remembered from now on, without a card number; absent: what was remembered. */
      readonly memory?: Uint8Array
    }
  /** It holds what may not be kept: `message` names where. */
  | { readonly type: 'sensitive'; readonly message: string }
  | ({ readonly type: 'rejected' } & Misread)

/**
 * It is not understood: the issue names the field, and holds no value. `message`: what it was taken
 * for, where it could be told.
 */
export interface Misread {
  readonly message?: string
  readonly issue: string
}

export interface ReadMessage {
  readonly name: string
  readonly fields: ProtocolFields
}

export type ProtocolValue = string | number | boolean
export type ProtocolRow = Readonly<Record<string, ProtocolValue>>

/** Values by the names of the outline; a field without a value is left out. */
export type ProtocolFields = Readonly<Record<string, ProtocolValue | readonly ProtocolRow[]>>

/**
 * `amount` is an integer of minor units, `decimal` exact text, `date` `YYYY-MM-DD` and `time`
 * `HH:MM:SS` as the terminal says them, with an offset (`Z`, `+01:00`) where it says one, `digits`
 * a number whose leading zeros count.
 */
export interface FieldOutline {
  readonly name: string
  readonly type: 'text' | 'digits' | 'integer' | 'amount' | 'decimal' | 'date' | 'time' | 'flag'
  readonly optional?: true
}

export interface MessageOutline {
  readonly name: string
  readonly fields: readonly FieldOutline[]
  /** Groups of rows (line items), by name. */
  readonly groups?: Readonly<Record<string, readonly FieldOutline[]>>
}

export function oneMessage(name: string, fields: ProtocolFields): Reading {
  return { type: 'messages', messages: [{ name, fields }] }
}
