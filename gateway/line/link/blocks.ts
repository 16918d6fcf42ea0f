import { concatBytes, equalBytes, fromHex } from '../../core/bytes.js'
import type { MonotonicMs } from '../../core/clock.js'
import type { Link, LinkEffect, LinkInput, LinkStep } from './link.js'
import { unsupported } from './unsupported.js'

/**
 * What a further frame makes of those before it: a part is held, with a whole they are delivered
 * together, at a misfit the message begins anew.
 */
export type Joined = 'part' | 'whole' | 'misfit'

export interface BlocksOptions {
  /** Hexadecimal: to a part, to a whole message once it is settled, to a broken one. */
  readonly answers: { readonly more: string; readonly last: string; readonly nak: string }
  join(held: readonly Uint8Array[], payload: Uint8Array): Joined
}

export interface BlocksState {
  readonly held: readonly Uint8Array[]
  readonly raw: readonly Uint8Array[]
  /** The message that is being settled, or was: the terminal may say its last frame again. */
  readonly whole: Whole | undefined
}

interface Whole {
  readonly held: readonly Uint8Array[]
  readonly raw: readonly Uint8Array[]
  readonly isSettling: boolean
  /** When the terminal ended it last; undefined where it waits for something else by now. */
  readonly sinceMs: MonotonicMs | undefined
}

type Settled = Extract<LinkInput, { type: 'settled' }>

/** Parts of a message; with more of them it is broken. */
const MAX_BLOCKS = 32
/** Shorter than a terminal's own time-out. */
const ANSWER_WITHIN_MS = 1500

/**
 * Messages that come in several frames. A part is acknowledged at once, for the terminal sends the
 * next one only then; the last one once the whole is in the journal: it is what commits. That
 * answer has no number and goes to whatever the terminal said last, so it is given in time and to
 * its own message, or not at all (docs/decisions/late-ack.md).
 */
export class BlocksLink implements Link<BlocksState> {
  readonly initial: BlocksState = { held: [], raw: [], whole: undefined }
  readonly answers = true
  readonly #options: BlocksOptions

  constructor(options: BlocksOptions) {
    this.#options = options
  }

  next(state: BlocksState, input: LinkInput): LinkStep<BlocksState> {
    switch (input.type) {
      case 'framed':
        return input.output.type === 'frame'
          ? this.#framed(state, input.output, input.atMs)
          : this.#discarded(state, input.output.reason)
      case 'settled':
        return this.#settled(state, input)
      case 'opened':
        return { state: this.initial, effects: [] }
      case 'elapsed':
        return { state, effects: [] }
      case 'commanded':
        return unsupported(state, input.command)
    }
  }

  #framed(
    state: BlocksState,
    frame: { readonly payload: Uint8Array; readonly raw: Uint8Array },
    atMs: MonotonicMs,
  ): LinkStep<BlocksState> {
    // An answer of the other side, heard by a listener on the line.
    if (frame.payload.length === 1) return { state, effects: [] }
    const { whole } = state
    const isSame = whole !== undefined && isEnd(whole, frame)
    if (whole?.isSettling) return meanwhile(state, whole, isSame ? atMs : undefined)
    if (isSame && state.held.length === 0) return deliver(whole.held, whole.raw, atMs)
    const { join, answers } = this.#options
    const joined = join(state.held, frame.payload)
    if (joined === 'misfit' && state.held.length > 0) return this.#framed(this.initial, frame, atMs)
    const held = [...state.held, frame.payload]
    const raw = [...state.raw, frame.raw]
    if (joined === 'misfit' || raw.length > MAX_BLOCKS)
      return { state: this.initial, effects: this.#nak() }
    if (joined === 'part')
      return {
        state: { held, raw, whole: undefined },
        effects: [{ type: 'write', bytes: fromHex(answers.more) }],
      }
    return deliver(held, raw, atMs)
  }

  #settled({ whole }: BlocksState, { outcome, atMs }: Settled): LinkStep<BlocksState> {
    const state = { ...this.initial, whole: whole && { ...whole, isSettling: false } }
    if (whole?.sinceMs === undefined || atMs - whole.sinceMs > ANSWER_WITHIN_MS)
      return { state, effects: [{ type: 'count', counter: 'late' }] }
    const effects: readonly LinkEffect[] =
      outcome === 'refused'
        ? this.#nak()
        : [{ type: 'write', bytes: fromHex(this.#options.answers.last) }]
    return { state, effects }
  }

  #discarded(state: BlocksState, reason: string): LinkStep<BlocksState> {
    return {
      state,
      effects: reason === 'checksum' && state.whole?.isSettling !== true ? this.#nak() : [],
    }
  }

  #nak(): readonly LinkEffect[] {
    return [
      { type: 'write', bytes: fromHex(this.#options.answers.nak) },
      { type: 'count', counter: 'nak' },
    ]
  }
}

function isEnd({ raw }: Whole, frame: { readonly raw: Uint8Array }): boolean {
  const last = raw.at(-1)
  return last !== undefined && equalBytes(last, frame.raw)
}

function deliver(
  held: readonly Uint8Array[],
  raw: readonly Uint8Array[],
  sinceMs: MonotonicMs,
): LinkStep<BlocksState> {
  return {
    state: { held: [], raw: [], whole: { held, raw, isSettling: true, sinceMs } },
    effects: [{ type: 'deliver', payload: concatBytes(held), raw: concatBytes(raw) }],
  }
}

/** Another message is not taken yet: unanswered the terminal says it again. */
function meanwhile(
  state: BlocksState,
  whole: Whole,
  repeatedMs: MonotonicMs | undefined,
): LinkStep<BlocksState> {
  const isAwaited = repeatedMs !== undefined && whole.sinceMs !== undefined
  return {
    state: { ...state, whole: { ...whole, sinceMs: isAwaited ? repeatedMs : undefined } },
    effects: [{ type: 'count', counter: isAwaited ? 'repeat' : 'late' }],
  }
}
