import type {
  CommandOutcome,
  Link,
  LinkCommand,
  LinkEffect,
  LinkInput,
  LinkStep,
} from '../../line/link/link.js'
import { unsupported } from '../../line/link/unsupported.js'

/** A command that waits for its answer; one at a time, as MT-SICS wants it. */
type Pending = { readonly id: string; readonly name: string } | undefined

export interface MtSicsState {
  readonly pending: Pending
}

/** What the scale can be made to do, and how MT-SICS calls it. */
const COMMANDS: Readonly<Record<string, string>> = {
  zero: 'Z',
  tare: 'T',
  'clear-tare': 'TAC',
}
/** `Z` and `T` wait for a stable weight; the scale gives up after some ten seconds. */
const COMMAND_WITHIN_MS = 15_000
/** `I4 A "serial"` by itself: the scale was switched on, and reports nothing until it is told. */
const SWITCHED_ON = 'I4 A'
const REPORT = 'SR'

const UNANSWERED: CommandOutcome = {
  type: 'failed',
  reason: 'unknown',
  detail: 'the scale did not answer',
}

/**
 * A scale that reports each new stable weight by itself, once it was told to: by the dialect's
 * greeting, and again when it was switched off and on.
 */
export class MtSicsLink implements Link<MtSicsState> {
  readonly initial: MtSicsState = { pending: undefined }
  readonly answers = false

  next(state: MtSicsState, input: LinkInput): LinkStep<MtSicsState> {
    switch (input.type) {
      case 'commanded':
        return this.#commanded(state, input.command)
      case 'framed':
        return input.output.type === 'frame'
          ? this.#framed(state, input.output)
          : { state, effects: [] }
      case 'elapsed':
        return { state: this.initial, effects: answered(state.pending, UNANSWERED) }
      case 'opened':
      case 'settled':
        return { state, effects: [] }
    }
  }

  #commanded(state: MtSicsState, command: LinkCommand): LinkStep<MtSicsState> {
    const name = COMMANDS[command.verb]
    if (name === undefined) return unsupported(state, command)
    const { id } = command
    if (state.pending !== undefined)
      return {
        state,
        effects: answered(
          { id, name },
          { type: 'failed', reason: 'rejected', detail: 'another command is under way' },
        ),
      }
    return {
      state: { pending: { id, name } },
      effects: [line(name), { type: 'timer', afterMs: COMMAND_WITHIN_MS }],
    }
  }

  #framed(
    { pending }: MtSicsState,
    frame: { readonly payload: Uint8Array; readonly raw: Uint8Array },
  ): LinkStep<MtSicsState> {
    const text = Buffer.from(frame.payload).toString('latin1')
    const outcome = pending === undefined ? undefined : outcomeOf(text, pending.name)
    const again = text.startsWith(SWITCHED_ON) ? [line(REPORT)] : []
    return {
      state: { pending: outcome === undefined ? pending : undefined },
      effects: [
        { type: 'deliver', payload: frame.payload, raw: frame.raw },
        ...(outcome === undefined ? [] : answered(pending, outcome)),
        ...again,
      ],
    }
  }
}

/** Undefined where the line is not about the command. */
function outcomeOf(text: string, name: string): CommandOutcome | undefined {
  const [command, status = ''] = text.split(' ')
  const isError = /^E[STL]$/.test(text)
  if (command !== name && !isError) return undefined
  if (isError || /^[IL+-]/.test(status))
    return { type: 'failed', reason: 'rejected', detail: `the scale answers ${text.slice(0, 40)}` }
  return { type: 'successful', values: {} }
}

function answered(pending: Pending, outcome: CommandOutcome): readonly LinkEffect[] {
  return pending === undefined ? [] : [{ type: 'answered', id: pending.id, outcome }]
}

function line(command: string): LinkEffect {
  return { type: 'write', bytes: Buffer.from(`${command}\r\n`) }
}
