import { concatBytes } from '../../core/bytes.js'
import type { Link, LinkEffect, LinkEnd, LinkInput, LinkStep } from '../../line/link/link.js'
import { unsupported } from '../../line/link/unsupported.js'
import { type Mark, markOf } from './framer.js'
import { tokensIn } from './lexer.js'

export interface ReceiptTiming {
  /** Silence that ends a receipt which was not cut. */
  readonly silenceMs: number
  /** Time after the cut in which a drawer pulse still belongs to the receipt. */
  readonly drawerWithinMs: number
  readonly maxReceiptBytes: number
  /** In the last line of a receipt, where a footer ends it. */
  readonly footer?: string
}

/** By the command that makes them: what stays as it is from one receipt to the next. */
type Settings = ReadonlyMap<string, Uint8Array>

export interface ReceiptState {
  /** Pieces that were not delivered yet, and what they do. */
  readonly held: readonly Uint8Array[]
  readonly marks: ReadonlySet<Mark>
  /** `cut`: the receipt is whole but for a pulse that may follow. */
  readonly phase: 'printing' | 'cut'
  /** In force before what is held. */
  readonly settings: Settings
}

/** Code page, national set and double-byte mode hold until ESC @. */
const LASTING: ReadonlySet<string> = new Set(['ESC t', 'ESC R', 'FS &', 'FS .'])
/** Pieces that print nothing, and are many, are no receipt: a register that asks for the status. */
const MOST_PIECES = 64

/**
 * Receipts out of the pieces between cuts and silences. A register pauses in the middle of a
 * receipt and opens the drawer after the cut, so a receipt waits until it is surely over: for a
 * pulse that follows its cut, for more text where it has none. A tap never speaks.
 */
export class ReceiptLink implements Link<ReceiptState> {
  readonly initial: ReceiptState = {
    held: [],
    marks: new Set(),
    phase: 'printing',
    settings: new Map(),
  }
  readonly answers = false
  readonly #timing: ReceiptTiming

  constructor(timing: ReceiptTiming) {
    this.#timing = timing
  }

  next(state: ReceiptState, input: LinkInput): LinkStep<ReceiptState> {
    switch (input.type) {
      case 'framed':
        return input.output.type === 'frame'
          ? this.#piece(state, input.output.payload)
          : { state, effects: [] }
      case 'elapsed':
        return delivered(state)
      case 'opened':
      case 'settled':
        return { state, effects: [] }
      case 'commanded':
        return unsupported(state, input.command)
    }
  }

  /** What was printed is a receipt as far as it came; a pulse may be a print job of its own. */
  ended(state: ReceiptState, { of, rest }: LinkEnd): LinkStep<ReceiptState> {
    const effects: LinkEffect[] = []
    let last = state
    for (const output of rest) {
      if (output.type !== 'frame') continue
      const step = this.#piece(last, output.payload)
      effects.push(...step.effects)
      last = step.state
    }
    if (of === 'sender' && last.phase === 'cut') return { state: last, effects }
    const step = delivered(last)
    return { state: step.state, effects: [...effects, ...step.effects] }
  }

  #piece(state: ReceiptState, piece: Uint8Array): LinkStep<ReceiptState> {
    const marks = marksOf(piece)
    const heldBytes = state.held.reduce((sum, { length }) => sum + length, piece.length)
    const isFull = heldBytes > this.#timing.maxReceiptBytes || state.held.length >= MOST_PIECES
    const isNext = isFull || (state.phase === 'cut' && marks.has('print'))
    if (!isNext || state.held.length === 0) return this.#added(state, { piece, marks })
    const before = delivered(state)
    const after = this.#added(before.state, { piece, marks })
    return { state: after.state, effects: [...before.effects, ...after.effects] }
  }

  #added(
    before: ReceiptState,
    { piece, marks }: { readonly piece: Uint8Array; readonly marks: ReadonlySet<Mark> },
  ): LinkStep<ReceiptState> {
    const { silenceMs, drawerWithinMs } = this.#timing
    const held = [...before.held, piece]
    const state: ReceiptState = { ...before, held, marks: new Set([...before.marks, ...marks]) }
    if (before.phase === 'cut') return marks.has('drawer') ? delivered(state) : calm(state)
    if (marks.has('cut') || this.#endsFooter(piece)) {
      const isWhole = state.marks.has('drawer') || !state.marks.has('print')
      if (isWhole || drawerWithinMs === 0) return delivered(state)
      return waiting({ ...state, phase: 'cut' }, drawerWithinMs)
    }
    // Status requests, once a second, must not put off the end of a receipt.
    const isNothing = !marks.has('print') && !marks.has('drawer')
    return isNothing && before.held.length > 0 ? calm(state) : waiting(state, silenceMs)
  }

  #endsFooter(piece: Uint8Array): boolean {
    const { footer } = this.#timing
    return footer !== undefined && Buffer.from(piece).toString('latin1').includes(footer)
  }
}

function calm(state: ReceiptState): LinkStep<ReceiptState> {
  return { state, effects: [] }
}

function waiting(state: ReceiptState, afterMs: number): LinkStep<ReceiptState> {
  return { state, effects: [{ type: 'timer', afterMs }] }
}

/** The payload says what was set before, as the printer knows it, too. */
function delivered({ held, settings }: ReceiptState): LinkStep<ReceiptState> {
  const raw = concatBytes(held)
  const payload = concatBytes([...settings.values(), raw])
  return {
    state: {
      held: [],
      marks: new Set(),
      phase: 'printing',
      settings: settingsAfter(settings, raw),
    },
    effects: held.length === 0 ? [] : [{ type: 'deliver', payload, raw }],
  }
}

function marksOf(piece: Uint8Array): ReadonlySet<Mark> {
  return new Set(tokensIn(piece).map(({ token }) => markOf(token)))
}

function settingsAfter(before: Settings, bytes: Uint8Array): Settings {
  const after = new Map(before)
  for (const { token, at, size } of tokensIn(bytes)) {
    if (token.type !== 'command') continue
    if (token.name === 'ESC @') after.clear()
    // Both switch the same mode.
    const key = token.name === 'FS .' ? 'FS &' : token.name
    if (LASTING.has(token.name)) after.set(key, bytes.slice(at, at + size))
  }
  return after
}
