import type { Clock } from '../core/clock.js'
import type { StoreId, TerminalId } from '../core/ids.js'
import type { Random } from '../core/random.js'
import type { ClockState, Event } from '../event/event.js'
import type { Framer } from '../line/framing/framer.js'
import type { Link } from '../line/link/link.js'
import type { ReadMessage } from '../protocol/protocol.js'
import type { DialectCommands } from './dialect-command.js'
import type { DialectDocuments } from './dialect-documents.js'

/** Physical settings a dialect asks for; the shop's configuration may override each. */
export interface LineSettings {
  readonly baudRate: number
  readonly dataBits: 7 | 8
  readonly parity: 'none' | 'even' | 'odd'
  readonly stopBits: 1 | 2
}

export function isSameLine(left: LineSettings, right: LineSettings): boolean {
  return (
    left.baudRate === right.baudRate &&
    left.dataBits === right.dataBits &&
    left.parity === right.parity &&
    left.stopBits === right.stopBits
  )
}

/** Who captured a message and when: what the envelope of its events needs besides the message. */
export interface Capture {
  readonly store: StoreId
  readonly terminal: TerminalId
  /** IANA name; terminals print local times. */
  readonly timeZone: string
  readonly clockState: ClockState
  readonly clock: Clock
  readonly random: Random
}

/** What a part does to a message that comes in several frames. Absent: nothing changes. */
export interface GatheringStep {
  /** What to keep of the terminal from now on: payloads without card numbers, as they came. */
  readonly held: readonly Uint8Array[]
  /** What was kept and came to nothing: it has to become a `frame.rejected`. */
  readonly givenUp: readonly Uint8Array[]
}

/** What a frame's payload means. */
export type Decoded =
  | {
      readonly type: 'events'
      readonly events: readonly Event[]
      /** What else the frame said and could not be taken: a `frame.rejected` beside the events. */
      readonly issues?: readonly string[]
      readonly step?: GatheringStep | undefined
    }
  /** A part of a message that is not whole yet. */
  | { readonly type: 'part'; readonly message: string; readonly step: GatheringStep }
  /** A message the dialect knows and that says nothing to HQ (a heartbeat, an empty poll). */
  | { readonly type: 'ignored'; readonly message: string }
  /** It holds what may not be kept (a track, a PIN block): dropped, and an alarm. */
  | { readonly type: 'sensitive'; readonly message: string }
  /** It will become a `frame.rejected`; nothing is guessed. */
  | {
      readonly type: 'rejected'
      readonly issues: readonly string[]
      readonly step?: GatheringStep | undefined
    }

/** What a payload means, and which messages it was taken for. */
export interface DecodedMessage {
  readonly messages: readonly string[]
  /** Their fields, where they could be read; card numbers stand in them as they came. */
  readonly read: readonly ReadMessage[]
  readonly decoded: Decoded
}

/** How one range of firmware speaks: everything a session needs to talk with the terminal. */
export interface Dialect {
  /** `vendor/dialect@version`, as events carry it. */
  readonly id: string
  readonly line: LineSettings
  /** Silence after which buffered bytes can no longer become a frame. */
  readonly idleMs: number
  /** Frames may hold card data: of rejected ones no byte is kept, and every number is suspect. */
  readonly cardData: boolean
  /** Written once when the line opens (a scale's "send continuously"); empty for none. */
  readonly greeting: Uint8Array
  /** A new framer with its own buffer: one for each time the line opens. */
  createFramer(): Framer
  /** One for each session. The state is the link's own business. */
  readonly link: Link<unknown>
  /** What its terminals can be told to do. */
  readonly commands: DialectCommands
  /** Which documents of HQ they take, and how. */
  readonly documents: DialectDocuments
  /** Some messages come in several frames: what is held of them has to be kept. */
  readonly gathers: boolean
  /**
   * `held`: what is kept of a message that is not whole yet. No `id` may follow from a card
   * number: a digest of one is soon found out.
   */
  decode(payload: Uint8Array, capture: Capture, held?: readonly Uint8Array[]): Decoded
  /** Why nothing that it hears may be believed; the status says so. Absent: it may be. */
  readonly doubt?: string
  /**
   * Whether something was told to the terminal of which nobody knows yet what came, by what is
   * kept. Absent, or undefined: that cannot be told.
   */
  isUnsettled?(held: readonly Uint8Array[]): boolean | undefined
  /** Whether what is held waits for further parts. */
  isUnfinished(held: readonly Uint8Array[]): boolean
  /**
   * The frame, checksum and all, that a terminal would send for this message: for cases and
   * simulators. @throws RangeError where the values do not fit the message's fields.
   */
  encode(message: string, values: Readonly<Record<string, unknown>>): Uint8Array
}

/** A dialect of our own files, whose decoding can be looked into: for cases and the workbench. */
export interface InterpretingDialect extends Dialect {
  interpret(payload: Uint8Array, capture: Capture, held?: readonly Uint8Array[]): DecodedMessage
}
