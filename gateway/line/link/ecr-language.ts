import type { Result } from '../../core/result.js'
import type { CommandOutcome, LinkCommand } from './link.js'

/** What a terminal is asked, as it goes out. */
export interface EcrRequest {
  /** The whole frame. */
  readonly frame: Uint8Array
  /** What the dialect reads it as; undefined where it moves no money and nobody needs to know. */
  readonly payload: Uint8Array | undefined
  /** Whether an answer follows; else its acknowledgement is all. */
  readonly isAnswered: boolean
}

/** The words in which a terminal is driven: pure, and without state. */
export interface EcrLanguage {
  /** The verb that asks for the last payment again; undefined where the terminal has none. */
  readonly ask: string | undefined
  /** Undefined: there is no such verb. Fails where a value is missing or does not fit. */
  request(command: LinkCommand): Result<EcrRequest, string> | undefined
  /** What a frame of the terminal says about this verb. */
  kindOf(verb: string, payload: Uint8Array): 'answer' | 'progress' | 'other'
  /** What the answer to a command says of it. */
  outcomeOf(command: LinkCommand, payload: Uint8Array): CommandOutcome
  /**
   * Whether the answer to `ask` tells of this command, or of another; undefined where it does not
   * show.
   */
  tellsOf(command: LinkCommand, payload: Uint8Array): boolean | undefined
}

/** Before the payload of a request: what became of it is not known. A dialect reads it so. */
export const UNKNOWN_MARK = 0x3f
