import { concatBytes, fromHex } from '../../core/bytes.js'
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
  /** A message is being settled; what comes meanwhile is the terminal's repeat of it. */
  readonly isSettling: boolean
}

/** Parts of a message; with more of them it is broken. */
const MAX_BLOCKS = 32

/**
 * Messages that come in several frames. A part is acknowledged at once, for the terminal sends the
 * next one only then; the last one once the whole is in the journal: it is what commits.
 */
export class BlocksLink implements Link<BlocksState> {
  readonly initial: BlocksState = { held: [], raw: [], isSettling: false }
  readonly answers = true
  readonly #options: BlocksOptions

  constructor(options: BlocksOptions) {
    this.#options = options
  }

  next(state: BlocksState, input: LinkInput): LinkStep<BlocksState> {
    switch (input.type) {
      case 'framed':
        return input.output.type === 'frame'
          ? this.#framed(state, input.output)
          : this.#discarded(state, input.output.reason)
      case 'settled':
        return this.#settled(input.outcome === 'refused')
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
  ): LinkStep<BlocksState> {
    // An answer of the other side, heard by a listener on the line.
    if (frame.payload.length === 1) return { state, effects: [] }
    if (state.isSettling) return { state, effects: [{ type: 'count', counter: 'repeat' }] }
    const { join, answers } = this.#options
    const joined = join(state.held, frame.payload)
    if (joined === 'misfit' && state.held.length > 0) return this.#framed(this.initial, frame)
    const held = [...state.held, frame.payload]
    const raw = [...state.raw, frame.raw]
    if (joined === 'misfit' || raw.length > MAX_BLOCKS)
      return { state: this.initial, effects: this.#nak() }
    if (joined === 'part')
      return {
        state: { held, raw, isSettling: false },
        effects: [{ type: 'write', bytes: fromHex(answers.more) }],
      }
    return {
      state: { held: [], raw: [], isSettling: true },
      effects: [{ type: 'deliver', payload: concatBytes(held), raw: concatBytes(raw) }],
    }
  }

  #settled(isRefused: boolean): LinkStep<BlocksState> {
    const { last } = this.#options.answers
    const effects: readonly LinkEffect[] = isRefused
      ? this.#nak()
      : [{ type: 'write', bytes: fromHex(last) }]
    return { state: this.initial, effects }
  }

  #discarded(state: BlocksState, reason: string): LinkStep<BlocksState> {
    return { state, effects: reason === 'checksum' && !state.isSettling ? this.#nak() : [] }
  }

  #nak(): readonly LinkEffect[] {
    return [
      { type: 'write', bytes: fromHex(this.#options.answers.nak) },
      { type: 'count', counter: 'nak' },
    ]
  }
}
