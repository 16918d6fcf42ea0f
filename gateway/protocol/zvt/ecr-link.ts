import type { FramerOutput } from '../../line/framing/framer.js'
import type {
  CommandOutcome,
  Link,
  LinkCommand,
  LinkEffect,
  LinkInput,
  LinkStep,
} from '../../line/link/link.js'
import { unsupported } from '../../line/link/unsupported.js'
import { encodeApdu, isAnswer, POSITIVE, readApdu } from './apdu.js'
import { apduOfCommand, registration, repeatReceipt, type TillOptions, VERBS } from './command.js'
import { outcomeOf, withMessage } from './command-outcome.js'
import { CLOSED, type EcrState, type Operation, type Settling } from './ecr-state.js'
import { isMoneyCommand, type JudgeOptions, judge, SILENCE } from './judge.js'
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

type Step = LinkStep<EcrState>
type Settled = Extract<LinkInput, { type: 'settled' }>

const REPEAT_RECEIPT = '0620'
const NOT_POSSIBLE = '8483'
const REPEATS = 2
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
      effects: [answered(command, { type: 'failed', reason: 'rejected', detail })],
    })
    if (!apdu.ok) return refuse(apdu.error)
    if (command.verb === 'abort') return this.#abort(state, { command, apdu: apdu.value })
    if (!state.isReady) return refuse('the terminal is not ready')
    const isBusy = state.operation !== undefined || state.settling !== undefined
    if (isBusy || state.command !== undefined) return refuse('the terminal is busy')
    return this.#begin({ ...state, command }, 'command', apdu.value)
  }

  /** Said while the terminal is at work; what comes of that is the other command's answer. */
  #abort(
    state: EcrState,
    { command, apdu }: { readonly command: LinkCommand; readonly apdu: Uint8Array },
  ): Step {
    if (state.operation?.stage === 'running')
      return {
        state,
        effects: [
          { type: 'write', bytes: this.#framedBytes(apdu) },
          answered(command, { type: 'successful', values: {} }),
        ],
      }
    const detail = 'nothing is running that could be aborted'
    return { state, effects: [answered(command, { type: 'failed', reason: 'rejected', detail })] }
  }

  /** What may move money, and the question for it, is journaled before it goes out. */
  #begin(state: EcrState, purpose: Operation['purpose'], apdu: Uint8Array): Step {
    const control = readApdu(apdu)?.control ?? ''
    const operation: Operation = { purpose, apdu, control, stage: 'sent' }
    return isRemembered(control)
      ? deliver({ ...state, wait: 'none' }, { type: 'starting', operation }, apdu)
      : this.#send({ ...state, operation }, apdu)
  }

  #register(state: EcrState): Step {
    return this.#begin({ ...state, isReady: false }, 'register', registration(this.#options))
  }

  #ask(state: EcrState): Step {
    return this.#begin(state, 'ask', repeatReceipt(this.#options))
  }

  #framed(state: EcrState, output: FramerOutput): Step {
    if (output.type === 'discarded') return this.#discarded(state, output.reason)
    const [first] = output.payload
    if (output.payload.length === 1) return this.#acknowledged(state, first === ACK)
    const step = this.#heard(withoutOutgoing(state), output)
    // The ACK says that the frame was whole: it commits nothing.
    return this.#options.line === 'serial'
      ? { ...step, effects: [{ type: 'write', bytes: Uint8Array.of(ACK) }, ...step.effects] }
      : step
  }

  #discarded(state: EcrState, reason: string): Step {
    const isBroken = reason === 'checksum' || reason === 'too-long' || reason === 'idle'
    if (this.#options.line !== 'serial' || !isBroken) return { state, effects: [] }
    const nak: readonly LinkEffect[] = [
      { type: 'write', bytes: Uint8Array.of(NAK) },
      { type: 'count', counter: 'nak' },
    ]
    return { state, effects: nak }
  }

  #acknowledged(state: EcrState, isAck: boolean): Step {
    if (state.outgoing === undefined) return { state, effects: [] }
    return isAck ? this.#await(withoutOutgoing(state)) : this.#repeat(state, state.outgoing)
  }

  /** The terminal's turn: to answer the command, or to say what it does. */
  #await(state: EcrState): Step {
    const { operation } = state
    if (operation === undefined) return { state: { ...state, wait: 'none' }, effects: [] }
    const isSent = operation.stage === 'sent'
    const wait = isSent ? 'answer' : 'master'
    const afterMs = isSent ? this.#options.t3Ms : this.#options.t4Ms
    return { state: { ...state, wait }, effects: [{ type: 'timer', afterMs }] }
  }

  #repeat(state: EcrState, outgoing: NonNullable<EcrState['outgoing']>): Step {
    if (outgoing.repeats >= REPEATS) return this.#lost(state)
    return {
      state: { ...state, wait: 'ack', outgoing: { ...outgoing, repeats: outgoing.repeats + 1 } },
      effects: [
        { type: 'write', bytes: outgoing.bytes, replyWithinMs: this.#options.t2Ms },
        { type: 'count', counter: 'repeat' },
      ],
    }
  }

  #send(state: EcrState, apdu: Uint8Array): Step {
    const bytes = this.#framedBytes(apdu)
    if (this.#options.line === 'serial')
      return {
        state: { ...state, wait: 'ack', outgoing: { bytes, repeats: 0 } },
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
        return this.#send({ ...this.#judged(state, operation.apdu), operation }, operation.apdu)
      }
      case 'message':
        return this.#messageSettled(state, { ...settling, outcome })
      case 'refusal': {
        const judged = this.#judged(state, settling.apdu)
        // A terminal that is busy is asked again; one that cannot say what was last is not.
        const isBusy = readApdu(settling.apdu)?.control !== NOT_POSSIBLE
        return judged.operation?.purpose === 'ask' && isBusy
          ? this.#rest(judged)
          : this.#finished(judged)
      }
      case 'silence':
        return this.#rest(this.#judged(state, SILENCE))
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
    const judged = this.#judged(state, apdu)
    const isEnd = control === '060F' || control === '061E'
    if (!isEnd) return this.#send(judged, TAKEN.has(control) ? ANSWER : UNSUPPORTED)
    const { operation: _, ...idle } = judged
    const answer = this.#send(idle, ANSWER)
    const finished = this.#finished({ ...answer.state, ...operationOf(judged) })
    return { state: finished.state, effects: [...answer.effects, ...finished.effects] }
  }

  /** The same judgement as the journal's, so that till and HQ hear the same. */
  #judged(state: EcrState, payload: Uint8Array): EcrState {
    const judgement = judge(payload, state.memory, this.#options)
    if (judgement.type !== 'messages') return state
    const decided = judgement.messages.findLast(({ name }) => DECISIVE.has(name))
    const { operation } = state
    const heard = operation === undefined ? undefined : withMessage(operation, payload)
    return {
      ...state,
      memory: judgement.memory,
      ...(heard === undefined
        ? {}
        : { operation: decided === undefined ? heard : { ...heard, decided } }),
    }
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
        return this.#register(state)
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
    const isMoney = operation?.stage === 'sent' && isMoneyCommand(operation.control)
    return outgoing === undefined || isMoney ? this.#lost(state) : this.#repeat(state, outgoing)
  }

  #lost(before: EcrState): Step {
    const { operation, outgoing: _, ...state } = before
    const lost: readonly LinkEffect[] = [{ type: 'count', counter: 'timeout' }, { type: 'silent' }]
    // Asked in vain, too: the till hears that nobody knows, and the asking goes on.
    const isAsking = operation?.purpose !== 'command'
    const told = isAsking
      ? this.#answer(state, failed('unknown', 'the terminal is silent'))
      : { state, effects: [] }
    const step = deliver(
      { ...told.state, wait: 'none', isReady: false },
      { type: 'silence' },
      SILENCE,
    )
    return { state: step.state, effects: [...lost, ...told.effects, ...step.effects] }
  }

  #rest(state: EcrState): Step {
    const { operation: _, ...resting } = state
    return {
      state: { ...resting, wait: 'rest' },
      effects: [{ type: 'timer', afterMs: this.#options.t3Ms }],
    }
  }
}

/** What has to be in the journal before it is said: without it the answer is not understood. */
function isRemembered(control: string): boolean {
  return isMoneyCommand(control) || control === REPEAT_RECEIPT
}

const DECISIVE: ReadonlySet<string> = new Set([
  'approved',
  'declined',
  'reversed',
  'refunded',
  'settled',
])

function deliver(state: EcrState, settling: Settling, payload: Uint8Array, raw = payload): Step {
  return { state: { ...state, settling }, effects: [{ type: 'deliver', payload, raw }] }
}

function withoutOutgoing({ outgoing: _, ...state }: EcrState): EcrState {
  return state
}

function operationOf({ operation }: EcrState): Pick<EcrState, 'operation'> {
  return operation === undefined ? {} : { operation }
}

function answered(command: LinkCommand, outcome: CommandOutcome): LinkEffect {
  return { type: 'answered', id: command.id, outcome }
}

function failed(reason: 'rejected' | 'unknown', detail: string): CommandOutcome {
  return { type: 'failed', reason, detail }
}
