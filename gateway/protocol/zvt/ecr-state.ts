import type { LinkCommand, LinkStep } from '../../line/link/link.js'
import type { ReadMessage } from '../protocol.js'
import { isMoneyCommand } from './judge.js'
import type { Memory } from './memory.js'

const REPEATS = 2

/** Something the till has the terminal do, from its command to the terminal's completion. */
export interface Operation {
  /** `register` and `ask` are the gateway's own; a till's command is `command`. */
  readonly purpose: 'register' | 'ask' | 'command'
  readonly apdu: Uint8Array
  readonly control: string
  /** An acknowledgement of what was written before it may still come: a NAK is not surely its. */
  readonly isDoubtful?: true
  /** `sent`: the terminal has not answered yet; `running`: it is the master until it completes. */
  readonly stage: 'sent' | 'running'
  /** What the terminal decided so far about the money. */
  readonly decided?: ReadMessage
  /** Why it aborted or refused. */
  readonly failure?: string
  /** What it said of numbers and amounts. */
  readonly values?: LinkCommand['values']
}

/** A frame that the terminal has to acknowledge (serial). */
export interface Outgoing {
  readonly bytes: Uint8Array
  readonly repeats: number
}

/** An operation to begin, or a pause before the terminal is asked again. */
export type Next = Pick<Operation, 'purpose' | 'apdu' | 'isDoubtful'> | 'rest'

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
  readonly outgoing?: Outgoing
  /** Serial: frames and repeats that were written and whose ACK or NAK was not heard. */
  readonly owed: number
  /** What is done as soon as nothing else goes on. */
  readonly next?: Next
  /** What the timer is for: T2, T3, T4, or the pause before the terminal is asked again. */
  readonly wait: 'none' | 'ack' | 'answer' | 'master' | 'rest'
  /** The till's command that is not answered yet. */
  readonly command?: LinkCommand
  /** Registered, and asked for what is still open. */
  readonly isReady: boolean
  /** What `read` remembers, of this opening alone. */
  readonly memory: Memory
}

export type Step = LinkStep<EcrState>

export const CLOSED: EcrState = { owed: 0, wait: 'none', isReady: false, memory: {} }

export function deliver(
  state: EcrState,
  settling: Settling,
  payload: Uint8Array,
  raw = payload,
): Step {
  return { state: { ...state, settling }, effects: [{ type: 'deliver', payload, raw }] }
}

export function later(state: EcrState, next: Next): Step {
  return { state: { ...state, next }, effects: [] }
}

export function operationOf({ operation }: EcrState): Pick<EcrState, 'operation'> {
  return operation === undefined ? {} : { operation }
}

export function written(state: EcrState, outgoing: Outgoing): EcrState {
  return { ...state, wait: 'ack', outgoing, owed: state.owed + 1 }
}

/** By an ACK or NAK, or by a frame that is said in place of one. */
export function acknowledged({ outgoing: _, ...state }: EcrState): EcrState {
  return { ...state, owed: Math.max(0, state.owed - 1) }
}

/** The time for it is over. */
export function withNothingOwed(state: EcrState): EcrState {
  const { next } = state
  const waiting =
    next === undefined || next === 'rest' ? {} : { next: { ...next, isDoubtful: true } as const }
  return { ...state, ...waiting, wait: 'none', owed: 0 }
}

export function isMoneySent({ operation }: EcrState): boolean {
  return operation?.stage === 'sent' && isMoneyCommand(operation.control)
}

/** Two NAKs may be for one broken frame: of what came after it the second says nothing. */
export function repeatsOf(state: EcrState): number {
  if (!isMoneySent(state)) return REPEATS
  return state.operation?.isDoubtful === true ? 0 : 1
}
