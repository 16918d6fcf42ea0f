import type { FramerOutput } from '../../line/framing/framer.js'
import type { Link, LinkEffect, LinkInput, LinkStep } from '../../line/link/link.js'
import { unsupported } from '../../line/link/unsupported.js'
import { isAnswer, readApdu } from './apdu.js'
import { isMoneyCommand } from './judge.js'

type Frame = Extract<FramerOutput, { type: 'frame' }>

export interface TapState {
  /** What counts only once the other side has answered it: a command, a status. */
  readonly unanswered?: Frame & { readonly control: string }
}

/** The till asks the terminal to wait for it, and the terminal will say its status again. */
const WAIT = '849C'
const REPEAT_RECEIPT = '0620'

/**
 * The dialogue of a till and a terminal, overheard on one receive-only line: their frames tell by
 * themselves who speaks. A command counts once the terminal has taken it, a status once the till
 * has: that is when the terminal stores a payment (PA00P015 13.08, chapter 4).
 */
export class TapLink implements Link<TapState> {
  readonly initial: TapState = {}
  readonly answers = false

  next(state: TapState, input: LinkInput): LinkStep<TapState> {
    switch (input.type) {
      case 'opened':
        return { state: {}, effects: [] }
      case 'framed':
        return input.output.type === 'frame' ? heard(state, input.output) : { state, effects: [] }
      case 'settled':
      case 'elapsed':
        return { state, effects: [] }
      case 'commanded':
        return unsupported(state, input.command)
    }
  }
}

function heard(state: TapState, frame: Frame): LinkStep<TapState> {
  const apdu = readApdu(frame.payload)
  // 06 and 15 of a serial line say only that a frame was whole.
  if (apdu === undefined) return { state, effects: [] }
  const { control } = apdu
  if (isAnswer(apdu)) return answered(state, { ...frame, control })
  if (isMoneyCommand(control) || control === '040F')
    return { state: { unanswered: { ...frame, control } }, effects: [] }
  const isEnd = control === '060F' || control === '061E' || control === REPEAT_RECEIPT
  return { state: {}, effects: isEnd ? [deliver(frame)] : [] }
}

function answered(
  { unanswered }: TapState,
  answer: Frame & { readonly control: string },
): LinkStep<TapState> {
  if (unanswered === undefined || answer.control === WAIT) return { state: {}, effects: [] }
  if (answer.control === '8000' || answer.control === '8400')
    return { state: {}, effects: [deliver(unanswered)] }
  // A command that was refused did not begin; a status that was refused undoes its payment.
  return { state: {}, effects: unanswered.control === '040F' ? [deliver(answer)] : [] }
}

function deliver({ payload, raw }: Frame): LinkEffect {
  return { type: 'deliver', payload, raw }
}
