import type { MonotonicMs } from '../../core/clock.js'
import type { FramerOutput } from '../../line/framing/framer.js'
import {
  type CommandOutcome,
  EXPIRED,
  isExpired,
  type Link,
  type LinkCommand,
  type LinkEffect,
  type LinkInput,
} from '../../line/link/link.js'
import { unsupported } from '../../line/link/unsupported.js'
import { encodeApdu, isAnswer, POSITIVE, readApdu } from './apdu.js'
import { apduOfCommand, registration, repeatReceipt, type TillOptions, VERBS } from './command.js'
import { answered, failed, outcomeOf, withJudgement, withMessage } from './command-outcome.js'
import {
  acknowledged,
  CLOSED,
  deliver,
  type EcrState,
  isMoneySent,
  later,
  type Next,
  type Operation,
  type Outgoing,
  operationOf,
  repeatsOf,
  type Settling,
  type Step,
  withNothingOwed,
  written,
} from './ecr-state.js'
import { isMoneyCommand, type JudgeOptions, SILENCE } from './judge.js'
import { ACK, encodeSerial, NAK } from './serial-framer.js'

export interface EcrOptions extends TillOptions, JudgeOptions {
  readonly line: 'serial' | 'tcp'
  /** Serial: a frame is acknowledged within. */
  readonly t2Ms: number
  /** A command is answered within. */
  readonly t3Ms: number
  /** The next word of a terminal that is at work comes within. */
  readonly t4Ms: number
}

type Settled = Extract<LinkInput, { type: 'settled' }>

const REPEAT_RECEIPT = '0620'
const NOT_POSSIBLE = '8483'
const ANSWER = encodeApdu(POSITIVE)
/** Ask again in two seconds: the journal does not take it now. */
const WAIT = Uint8Array.of(0x84, 0x9c, 0)
/** The goods are not handed out: the terminal takes the payment back. */
const REFUSE = Uint8Array.of(0x84, 0x66, 0)
/** Nobody is here to choose from a menu, or to enter a number. */
const UNSUPPORTED = Uint8Array.of(0x84, 0x83, 0)
/** What needs no more than to be heard: states, prints, displays, the time. */
const TAKEN: ReadonlySet<string> = new Set(['0401', '040F', '04FF', '06D1', '06D3', '06E0'])

/**
 * The till's side of a ZVT conversation (PA00P015 13.08, chapter 1). The terminal stores a payment
 * when its status is answered, so the answer goes out once the status is in the journal. A command
 * that moves money goes out once, after it is in the journal; where nobody knows what came of it,
 * the terminal is asked for its last status before anything else, and never asked for the money
 * again.
 */
export class EcrLink implements Link<EcrState> {
  readonly initial = CLOSED
  /** A refusal of the journal is told to the terminal, which says its status again. */
  readonly answers = true
  readonly #options: EcrOptions

  constructor(options: EcrOptions) {
    this.#options = options
  }

  next(state: EcrState, input: LinkInput): Step {
    return this.#proceed(this.#step(state, input), 'atMs' in input ? input.atMs : undefined)
  }

  #step(state: EcrState, input: LinkInput): Step {
    switch (input.type) {
      case 'opened':
        return deliver(CLOSED, { type: 'opening' }, SILENCE)
      case 'framed':
        return this.#framed(state, input.output)
      case 'settled':
        return this.#settled(state, input.outcome)
      case 'elapsed':
        return this.#elapsed(state)
      case 'commanded':
        return this.#commanded(state, input.command)
    }
  }

  #commanded(state: EcrState, command: LinkCommand): Step {
    if (!VERBS.some(verb => verb === command.verb)) return unsupported(state, command)
    const apdu = apduOfCommand(command, this.#options)
    const refuse = (detail: string): Step => ({
      state,
      effects: [answered(command, failed('rejected', detail))],
    })
    const refuseYet = (detail: string): Step => ({
      state,
      effects: [answered(command, { type: 'failed', reason: 'rejected', detail, notYet: true })],
    })
    if (!apdu.ok) return refuse(apdu.error)
    if (command.verb === 'abort') return this.#abort(state, { command, apdu: apdu.value })
    if (!state.isReady) return refuseYet('the terminal is not ready')
    const isBusy = state.operation !== undefined || state.settling !== undefined
    if (isBusy || state.command !== undefined) return refuseYet('the terminal is busy')
    return later({ ...state, command }, { purpose: 'command', apdu: apdu.value })
  }

  /** Said while the terminal is at work; what comes of that is the other command's answer. */
  #abort(
    state: EcrState,
    { command, apdu }: { readonly command: LinkCommand; readonly apdu: Uint8Array },
  ): Step {
    if (state.operation?.stage === 'running')
      return {
        state: this.#options.line === 'serial' ? { ...state, owed: state.owed + 1 } : state,
        effects: [
          { type: 'write', bytes: this.#framedBytes(apdu) },
          answered(command, { type: 'successful', values: {} }),
        ],
      }
    const detail = 'nothing is running that could be aborted'
    return { state, effects: [answered(command, failed('rejected', detail))] }
  }

  /**
   * What is next waits until the terminal has acknowledged all that was written, or its time for
   * that is over: a NAK that comes late would be taken for the next command's, which would be said
   * again.
   */
  #proceed({ state: before, effects }: Step, atMs = Number.NEGATIVE_INFINITY): Step {
    const { next, ...state } = before
    if (next === undefined || state.settling !== undefined || state.outgoing !== undefined)
      return { state: before, effects }
    const isOwed = next !== 'rest' && state.owed > 0
    if (isOwed && state.wait === 'ack') return { state: before, effects }
    const step = isOwed ? this.#awaitOwed(before) : this.#begin(state, next, atMs)
    return { state: step.state, effects: [...effects, ...step.effects] }
  }

  #awaitOwed(state: EcrState): Step {
    const effects: readonly LinkEffect[] = [{ type: 'timer', afterMs: this.#options.t2Ms }]
    return { state: { ...state, wait: 'ack' }, effects }
  }

  /** What may move money, and the question for it, is journaled before it goes out. */
  #begin(state: EcrState, next: Next, atMs: MonotonicMs): Step {
    if (next === 'rest') {
      const effects: readonly LinkEffect[] = [{ type: 'timer', afterMs: this.#options.t3Ms }]
      return { state: { ...state, wait: 'rest' }, effects }
    }
    const { command } = state
    if (next.purpose === 'command' && command !== undefined && isExpired(command, atMs))
      return this.#answer(state, EXPIRED)
    const { apdu } = next
    const control = readApdu(apdu)?.control ?? ''
    const operation: Operation = { ...next, control, stage: 'sent' }
    return isRemembered(control)
      ? deliver({ ...state, wait: 'none' }, { type: 'starting', operation }, apdu)
      : this.#send({ ...state, operation }, apdu)
  }

  #register(state: EcrState): Step {
    const apdu = registration(this.#options)
    return later({ ...state, isReady: false }, { purpose: 'register', apdu })
  }

  #ask(state: EcrState): Step {
    return later(state, { purpose: 'ask', apdu: repeatReceipt(this.#options) })
  }

  #framed(state: EcrState, output: FramerOutput): Step {
    if (output.type === 'discarded') return this.#discarded(state, output.reason)
    const [first] = output.payload
    if (output.payload.length === 1) return this.#acknowledged(state, first === ACK)
    const isInPlaceOfAck = state.outgoing !== undefined
    const step = this.#heard(isInPlaceOfAck ? acknowledged(state) : state, output)
    // The ACK says that the frame was whole: it commits nothing.
    return this.#options.line === 'serial'
      ? { ...step, effects: [{ type: 'write', bytes: Uint8Array.of(ACK) }, ...step.effects] }
      : step
  }

  #discarded(state: EcrState, reason: string): Step {
    const isBroken = reason === 'checksum' || reason === 'too-long' || reason === 'idle'
    if (this.#options.line !== 'serial' || !isBroken) return { state, effects: [] }
    const nak: LinkEffect = { type: 'write', bytes: Uint8Array.of(NAK) }
    return { state, effects: [nak, { type: 'count', counter: 'nak' }] }
  }

  #acknowledged(before: EcrState, isAck: boolean): Step {
    const { outgoing } = before
    const state = acknowledged(before)
    if (outgoing === undefined) return { state, effects: [] }
    return isAck ? this.#await(state) : this.#repeat(state, outgoing)
  }

  /** The terminal's turn: to answer the command, or to say what it does. */
  #await(state: EcrState): Step {
    const { operation } = state
    if (operation === undefined)
      return state.owed > 0
        ? this.#awaitOwed(state)
        : { state: { ...state, wait: 'none' }, effects: [] }
    const isSent = operation.stage === 'sent'
    const wait = isSent ? 'answer' : 'master'
    const afterMs = isSent ? this.#options.t3Ms : this.#options.t4Ms
    return { state: { ...state, wait }, effects: [{ type: 'timer', afterMs }] }
  }

  #repeat(state: EcrState, { bytes, repeats }: Outgoing): Step {
    if (repeats >= repeatsOf(state)) return this.#lost(state)
    return {
      state: written(state, { bytes, repeats: repeats + 1 }),
      effects: [
        { type: 'write', bytes, replyWithinMs: this.#options.t2Ms },
        { type: 'count', counter: 'repeat' },
      ],
    }
  }

  #send(state: EcrState, apdu: Uint8Array): Step {
    const bytes = this.#framedBytes(apdu)
    if (this.#options.line === 'serial')
      return {
        state: written(state, { bytes, repeats: 0 }),
        effects: [{ type: 'write', bytes, replyWithinMs: this.#options.t2Ms }],
      }
    const waiting = this.#await(state)
    return { state: waiting.state, effects: [{ type: 'write', bytes }, ...waiting.effects] }
  }

  #framedBytes(apdu: Uint8Array): Uint8Array {
    return this.#options.line === 'serial' ? encodeSerial(apdu) : apdu
  }

  #heard(state: EcrState, frame: Extract<FramerOutput, { type: 'frame' }>): Step {
    const { payload } = frame
    const apdu = readApdu(payload)
    // It is not answered while another is being journaled: the terminal says it again.
    if (apdu === undefined || state.settling !== undefined)
      return { state, effects: [{ type: 'count', counter: 'late' }] }
    if (!isAnswer(apdu)) {
      const settling: Settling = { type: 'message', apdu: payload, control: apdu.control }
      return deliver({ ...state, wait: 'none' }, settling, payload, frame.raw)
    }
    const { operation } = state
    if (operation?.stage !== 'sent') return { state, effects: [{ type: 'count', counter: 'late' }] }
    if (apdu.control === '8000')
      return this.#await({ ...state, operation: { ...operation, stage: 'running' } })
    const refused = { ...state, wait: 'none' as const, operation: withMessage(operation, payload) }
    // Only a command that was journaled has to be concluded there.
    return isRemembered(operation.control)
      ? deliver(refused, { type: 'refusal', apdu: payload }, payload)
      : this.#finished(refused)
  }

  #settled(before: EcrState, outcome: Settled['outcome']): Step {
    const { settling, ...state } = before
    switch (settling?.type) {
      case undefined:
        return { state, effects: [] }
      case 'opening':
        return this.#register(state)
      case 'starting': {
        const { operation } = settling
        if (outcome === 'refused' || outcome === 'rejected')
          return operation.purpose === 'ask'
            ? this.#rest(state)
            : this.#answer(state, failed('rejected', 'it could not be journaled'))
        return this.#send(
          { ...withJudgement(state, operation.apdu, this.#options), operation },
          operation.apdu,
        )
      }
      case 'message':
        return this.#messageSettled(state, { ...settling, outcome })
      case 'refusal': {
        const judged = withJudgement(state, settling.apdu, this.#options)
        // A terminal that is busy is asked again; one that cannot say what was last is not.
        const isBusy = readApdu(settling.apdu)?.control !== NOT_POSSIBLE
        return judged.operation?.purpose === 'ask' && isBusy
          ? this.#rest(judged)
          : this.#finished(judged)
      }
      case 'silence':
        return this.#rest(withJudgement(state, SILENCE, this.#options))
    }
  }

  #messageSettled(
    state: EcrState,
    message: {
      readonly apdu: Uint8Array
      readonly control: string
      readonly outcome: Settled['outcome']
    },
  ): Step {
    const { apdu, control, outcome } = message
    const isStatus = control === '040F'
    if (outcome === 'refused') return isStatus ? this.#send(state, WAIT) : this.#await(state)
    if (isStatus && outcome === 'rejected') return this.#send(state, REFUSE)
    const judged = withJudgement(state, apdu, this.#options)
    const isEnd = control === '060F' || control === '061E'
    if (!isEnd) return this.#send(judged, TAKEN.has(control) ? ANSWER : UNSUPPORTED)
    const { operation: _, ...idle } = judged
    const answer = this.#send(idle, ANSWER)
    const finished = this.#finished({ ...answer.state, ...operationOf(judged) })
    return { state: finished.state, effects: [...answer.effects, ...finished.effects] }
  }

  #finished(before: EcrState): Step {
    const { operation, ...state } = before
    if (operation === undefined) return { state, effects: [] }
    switch (operation.purpose) {
      case 'register':
        return operation.failure === undefined ? this.#ask(state) : this.#rest(state)
      case 'ask': {
        const ready = { ...state, isReady: true }
        const isOpen = state.memory.pending !== undefined && operation.decided === undefined
        if (state.command === undefined) return { state: ready, effects: [] }
        return this.#answer(
          ready,
          isOpen
            ? failed('unknown', 'the terminal does not say what came of it')
            : outcomeOf(operation),
        )
      }
      case 'command':
        // Completed without a status: what came of it has to be asked.
        if (state.memory.pending?.isUnknown === true) return this.#ask(state)
        return this.#answer(state, outcomeOf(operation))
    }
  }

  #answer(before: EcrState, outcome: CommandOutcome): Step {
    const { command, ...state } = before
    return { state, effects: command === undefined ? [] : [answered(command, outcome)] }
  }

  #elapsed(state: EcrState): Step {
    switch (state.wait) {
      case 'none':
        return { state, effects: [] }
      case 'rest':
        return this.#register(withNothingOwed(state))
      case 'answer':
      case 'master':
        return this.#lost(state)
      case 'ack':
        return this.#unacknowledged(state)
    }
  }

  /** A command that moves money may have been heard: said again it could be done twice. */
  #unacknowledged(state: EcrState): Step {
    const { operation, outgoing } = state
    if (outgoing !== undefined && !isMoneySent(state)) return this.#repeat(state, outgoing)
    return outgoing === undefined && operation === undefined
      ? { state: withNothingOwed(state), effects: [] }
      : this.#lost(state)
  }

  #lost(before: EcrState): Step {
    const { operation, outgoing: _, next, ...state } = before
    const lost: readonly LinkEffect[] = [{ type: 'count', counter: 'timeout' }, { type: 'silent' }]
    const isUnsent = next !== 'rest' && next?.purpose === 'command'
    // Asked in vain, too: the till hears that nobody knows, and the asking goes on.
    const told =
      operation?.purpose === 'command'
        ? { state, effects: [] }
        : this.#answer(state, failed(isUnsent ? 'rejected' : 'unknown', 'the terminal is silent'))
    const step = deliver(
      { ...told.state, wait: 'none', isReady: false },
      { type: 'silence' },
      SILENCE,
    )
    return { state: step.state, effects: [...lost, ...told.effects, ...step.effects] }
  }

  #rest(state: EcrState): Step {
    const { operation: _, ...resting } = state
    return later(resting, 'rest')
  }
}

/** What has to be in the journal before it is said: without it the answer is not understood. */
function isRemembered(control: string): boolean {
  return isMoneyCommand(control) || control === REPEAT_RECEIPT
}
