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
      /** To be remembered from now on, without a card number; absent: what was remembered. */
      readonly memory?: Uint8Array
