import type { LinkCommand } from '../../line/link/link.js'
import type { ReadMessage } from '../protocol.js'
import type { Memory } from './memory.js'

/** Something the till has the terminal do, from its command to the terminal's completion. */
export interface Operation {
  /** `register` and `ask` are the gateway's own; a till's command is `command`. */
  readonly purpose: 'register' | 'ask' | 'command'
  readonly apdu: Uint8Array
  readonly control: string
  /** `sent`: the terminal has not answered yet; `running`: it is the master until it completes. */
  readonly stage: 'sent' | 'running'
  /** What the terminal decided so far about the money. */
  readonly decided?: ReadMessage
  /** Why it aborted or refused. */
  readonly failure?: string
  /** What it said of numbers and amounts. */
  readonly values?: LinkCommand['values']
}

/** What was delivered and is being journaled; nothing else goes on until it is. */
export type Settling =
  | { readonly type: 'opening' }
  /** The command, before it goes out. */
  | { readonly type: 'starting'; readonly operation: Operation }
  /** What the terminal said, before it is answered. */
  | { readonly type: 'message'; readonly apdu: Uint8Array; readonly control: string }
  /** The terminal refused the command. */
  | { readonly type: 'refusal'; readonly apdu: Uint8Array }
  /** The terminal fell silent. */
  | { readonly type: 'silence' }

export interface EcrState {
  readonly operation?: Operation
  readonly settling?: Settling
  /** A frame that the terminal has to acknowledge (serial). */
  readonly outgoing?: { readonly bytes: Uint8Array; readonly repeats: number }
  /** What the timer is for: T2, T3, T4, or the pause before the terminal is asked again. */
  readonly wait: 'none' | 'ack' | 'answer' | 'master' | 'rest'
  /** The till's command that is not answered yet. */
  readonly command?: LinkCommand
  /** Registered, and asked for what is still open. */
  readonly isReady: boolean
  /** What `read` remembers, of this opening alone. */
  readonly memory: Memory
}

export const CLOSED: EcrState = { wait: 'none', isReady: false, memory: {} }
