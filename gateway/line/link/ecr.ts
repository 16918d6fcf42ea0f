import { z } from 'zod'
import { concatBytes, equalBytes, fromHex } from '../../core/bytes.js'
import type { MonotonicMs } from '../../core/clock.js'
import { hexBytes } from '../framing/framing-field.js'
import { type EcrLanguage, type EcrRequest, UNKNOWN_MARK } from './ecr-language.js'
import {
  answered,
  type EcrState,
  IDLE,
  type Job,
  jobOf,
  type Phase,
  rejected,
  repeated,
  type Settling,
  type Step,
  unchanged,
  unknown,
} from './ecr-state.js'
import {
  type CommandOutcome,
  EXPIRED,
  isExpired,
  type Link,
  type LinkCommand,
  type LinkEffect,
  type LinkInput,
} from './link.js'
import { unsupported } from './unsupported.js'

/** The rules of a line on which one side asks and every frame is acknowledged. */
export const ecrTiming = {
  ack: hexBytes.default('06'),
  nak: hexBytes.default('15'),
  /** The acknowledgement of a request. */
  ackWithinMs: z.int().min(10).max(60_000).default(2000),
  /** The answer; each sign of progress grants as long again. Card holders take their time. */
  replyWithinMs: z.int().min(100).max(600_000).default(150_000),
  /** The same request again, where that cannot pay twice. */
  repeatLimit: z.int().min(0).max(10).default(3),
  /** How late the acknowledgement of an answer may go out; then the terminal says it again. */
  answerWithinMs: z.int().min(10).max(60_000).default(1500),
  /** Asks for the last payment whenever the line opens: what was lost while it was down is told. */
  askOnOpening: z.boolean().default(false),
}

/** Bids before each message, and its end: ENQ and EOT. */
export interface Bidding {
  readonly enq: string
  readonly eot: string
}

export type EcrTiming = z.output<z.ZodObject<typeof ecrTiming>>

type Settled = Extract<LinkInput, { type: 'settled' }>
type Frame = { readonly payload: Uint8Array; readonly raw: Uint8Array }

/** The terminal may refuse each piece of one broken frame. */
const SAME_REFUSAL_MS = 200
/** Times the last payment is asked for before its outcome stays unknown. */
const ASKS = 3

/**
 * Drives a payment terminal: one request at a time, and never the same payment twice. What may
 * have moved money is repeated only where the terminal said that it did not take it; else it is
 * asked for its last payment. Its answers are acknowledged once they are in the journal.
 */
export class EcrLink implements Link<EcrState> {
  readonly initial: EcrState = { phase: IDLE, nowMs: 0, next: undefined }
  readonly answers = true
  readonly #timing: EcrTiming
  readonly #language: EcrLanguage
  readonly #bidding: { readonly enq: Uint8Array; readonly eot: Uint8Array } | undefined
  readonly #ack: Uint8Array
  readonly #nak: Uint8Array

  constructor(options: {
    readonly timing: EcrTiming
    readonly language: EcrLanguage
    readonly bidding?: Bidding
  }) {
    const { timing, language, bidding } = options
    this.#timing = timing
    this.#language = language
    this.#bidding = bidding && { enq: fromHex(bidding.enq), eot: fromHex(bidding.eot) }
    this.#ack = fromHex(timing.ack)
    this.#nak = fromHex(timing.nak)
  }

  next(before: EcrState, input: LinkInput): Step {
    const state = 'atMs' in input ? { ...before, nowMs: input.atMs } : before
    switch (input.type) {
      case 'opened':
        return this.#timing.askOnOpening
          ? this.#ask(this.initial, 'nobody', 1)
          : unchanged(this.initial)
      case 'commanded':
        return this.#commanded(state, input.command)
      case 'framed':
        return input.output.type === 'frame'
          ? this.#framed(state, input.output, input.atMs)
          : this.#disturbed(state, input.output.reason)
      case 'settled':
        return this.#settled(state, input)
      case 'elapsed':
        return this.#elapsed(state)
    }
  }

  #commanded(state: EcrState, command: LinkCommand): Step {
    const request = this.#language.request(command)
    if (request === undefined) return unsupported(state, command)
    if (!request.ok) return answered(state, command, rejected(request.error))
    if (state.phase.type === 'idle') return this.#begin(state, command, request.value)
    const isOpening = jobOf(state.phase)?.about === 'nobody'
    if (isOpening && state.next === undefined)
      return { state: { ...state, next: command }, effects: [] }
    const detail = 'another request is under way'
    return answered(state, command, { ...rejected(detail), notYet: true })
  }

  #begin(state: EcrState, command: LinkCommand, request: EcrRequest): Step {
    if (isExpired(command, state.nowMs)) return answered(state, command, EXPIRED)
    const { about, id, verb } = command
    if (about !== undefined && verb === this.#language.ask)
      return this.#ask(state, { ...about, id }, 1)
    const job: Job = { command, request, about: undefined, tries: 1 }
    const { payload } = request
    if (payload === undefined) return this.#send(state, job)
    return {
      state: { ...state, phase: { type: 'announcing', job } },
      effects: [{ type: 'deliver', payload, raw: payload }],
    }
  }

  #ask(state: EcrState, about: LinkCommand | 'nobody', tries: number): Step {
    const verb = this.#language.ask ?? ''
    const command: LinkCommand = { id: '', verb, values: {} }
    const request = this.#language.request(command)
    if (request?.ok !== true) return this.#resolve(state, about, unknown('it cannot be asked'))
    return this.#send(state, { command, request: request.value, about, tries })
  }

  #send(state: EcrState, job: Job): Step {
    const replyWithinMs = this.#timing.ackWithinMs
    if (this.#bidding !== undefined)
      return {
        state: { ...state, phase: { type: 'bidding', job } },
        effects: [{ type: 'write', bytes: this.#bidding.enq, replyWithinMs }],
      }
    return this.#sendFrame(state, job)
  }

  #sendFrame(state: EcrState, job: Job): Step {
    const { frame: bytes } = job.request
    return {
      state: { ...state, phase: { type: 'sending', job, isDisturbed: false } },
      effects: [{ type: 'write', bytes, replyWithinMs: this.#timing.ackWithinMs }],
    }
  }

  #framed(state: EcrState, frame: Frame, atMs: MonotonicMs): Step {
    const { payload } = frame
    if (equalBytes(payload, this.#ack)) return this.#acknowledged(state)
    if (equalBytes(payload, this.#nak)) return this.#refused(state, atMs)
    if (this.#bidding !== undefined && equalBytes(payload, this.#bidding.enq))
      return this.#bid(state)
    if (payload.length === 1) return this.#ended(state)
    return this.#heard(state, frame, atMs)
  }

  /** The terminal wants to speak. Where both want to, it goes first: our request is not out yet. */
  #bid(state: EcrState): Step {
    const { phase } = state
    const isBusy = phase.type === 'settling' || phase.type === 'announcing'
    if (isBusy || phase.type === 'doubting') return repeated(state)
    return { state, effects: [{ type: 'write', bytes: this.#ack }] }
  }

  /** EOT: whoever gave way bids again. */
  #ended(state: EcrState): Step {
    return state.phase.type === 'bidding' ? this.#send(state, state.phase.job) : unchanged(state)
  }

  #acknowledged(state: EcrState): Step {
    const { phase } = state
    if (phase.type === 'bidding') return this.#sendFrame(state, phase.job)
    if (phase.type !== 'sending') return unchanged(state)
    const end: readonly LinkEffect[] =
      this.#bidding === undefined ? [] : [{ type: 'write', bytes: this.#bidding.eot }]
    const { job } = phase
    if (!job.request.isAnswered) {
      const done = this.#resolve(state, job.command, { type: 'successful', values: {} })
      return { state: done.state, effects: [...end, ...done.effects] }
    }
    const timer: LinkEffect = { type: 'timer', afterMs: this.#timing.replyWithinMs }
    return { state: { ...state, phase: { type: 'waiting', job } }, effects: [...end, timer] }
  }

  /**
   * A NAK says that the request was not taken, unless it is a piece of something else, or one more
   * for the try before: then this one may have been taken.
   */
  #refused(state: EcrState, atMs: MonotonicMs): Step {
    const { phase } = state
    if (phase.type !== 'bidding' && phase.type !== 'sending') return unchanged(state)
    const { job } = phase
    if (phase.type === 'sending') {
      const { refusedMs = Number.NEGATIVE_INFINITY } = job
      const isOfBefore = atMs - refusedMs <= SAME_REFUSAL_MS
      if (phase.isDisturbed || isOfBefore)
        return { state: { ...state, phase: { ...phase, isDisturbed: true } }, effects: [] }
    }
    if (job.tries <= this.#timing.repeatLimit)
      return this.#again(state, { ...job, refusedMs: atMs })
    return this.#fail(state, job, rejected('the terminal does not take the request'))
  }

  #disturbed(state: EcrState, reason: string): Step {
    const { phase } = state
    if (phase.type === 'sending')
      return { state: { ...state, phase: { ...phase, isDisturbed: true } }, effects: [] }
    // A broken answer is asked for again at once.
    const isBroken = reason === 'checksum' || reason === 'too-long'
    if (!isBroken || (phase.type !== 'waiting' && phase.type !== 'idle')) return unchanged(state)
    return {
      state,
      effects: [
        { type: 'write', bytes: this.#nak },
        { type: 'count', counter: 'nak' },
      ],
    }
  }

  #heard(state: EcrState, frame: Frame, sinceMs: MonotonicMs): Step {
    const { phase } = state
    const { payload, raw } = frame
    const job = jobOf(phase)
    if (phase.type === 'settling') return meanwhile(state, phase, payload)
    if (phase.type === 'announcing' || phase.type === 'doubting') return repeated(state)
    const answered = job !== undefined && this.#isAnswer(job, payload) ? job : undefined
    // A word before the ACK says that the request was taken all the same.
    const back = phase.type === 'sending' ? ({ type: 'waiting', job: phase.job } as const) : phase
    return {
      state: { ...state, phase: { type: 'settling', payload, answered, back, sinceMs } },
      effects: [{ type: 'deliver', payload, raw }],
    }
  }

  #isAnswer({ command, about }: Job, payload: Uint8Array): boolean {
    const verbs = [command.verb, ...(typeof about === 'object' ? [about.verb] : [])]
    return verbs.some(verb => this.#language.kindOf(verb, payload) === 'answer')
  }

  #settled(state: EcrState, settled: Settled): Step {
    const { phase } = state
    const isRefused = settled.outcome === 'refused'
    switch (phase.type) {
      case 'announcing':
        return isRefused
          ? this.#fail(state, phase.job, rejected('the journal takes nothing'))
          : this.#send(state, phase.job)
      case 'doubting':
        return this.#ask(state, phase.job.command, 1)
      case 'settling':
        return isRefused ? this.#unsettled(state, phase) : this.#said(state, phase, settled.atMs)
      default:
        return unchanged(state)
    }
  }

  /** Not in the journal: the terminal keeps it and says it again. */
  #unsettled(state: EcrState, { back }: Settling): Step {
    const nak: LinkEffect = { type: 'write', bytes: this.#nak }
    const effects = [nak, { type: 'count', counter: 'nak' } as const, ...this.#timer(back)]
    return { state: { ...state, phase: back }, effects }
  }

  #said(state: EcrState, phase: Settling, atMs: MonotonicMs): Step {
    const { payload, answered: job, back, sinceMs } = phase
    const isLate = atMs - sinceMs > this.#timing.answerWithinMs
    const ack: LinkEffect = isLate
      ? { type: 'count', counter: 'late' }
      : { type: 'write', bytes: this.#ack }
    if (job === undefined)
      return { state: { ...state, phase: back }, effects: [ack, ...this.#timer(back)] }
    const { about, command } = job
    const done = this.#resolve(state, about ?? command, this.#outcome(job, payload))
    return { state: done.state, effects: [ack, ...done.effects] }
  }

  #outcome({ command, about }: Job, payload: Uint8Array): CommandOutcome {
    if (typeof about !== 'object') return this.#language.outcomeOf(command, payload)
    // The answer itself may come late, instead of the one that was asked for.
    const isLate = this.#language.kindOf(about.verb, payload) === 'answer'
    const isSame = isLate || this.#language.tellsOf(about, payload)
    if (isSame === undefined) return unknown('its last payment does not show what came of this')
    const outcome = isSame
      ? this.#language.outcomeOf(about, payload)
      : rejected('not carried out: the last payment of the terminal is another one')
    const isDenied = outcome.type === 'failed' && outcome.reason === 'rejected'
    return isDenied ? { ...outcome, notDone: true } : outcome
  }

  #timer(back: Phase): readonly LinkEffect[] {
    const { replyWithinMs, ackWithinMs } = this.#timing
    if (back.type === 'idle') return []
    return [{ type: 'timer', afterMs: back.type === 'waiting' ? replyWithinMs : ackWithinMs }]
  }

  #elapsed(state: EcrState): Step {
    const { phase } = state
    const timeout: LinkEffect = { type: 'count', counter: 'timeout' }
    const counted = (step: Step): Step => ({ ...step, effects: [timeout, ...step.effects] })
    switch (phase.type) {
      case 'bidding':
        return counted(this.#unheard(state, phase.job))
      case 'sending':
        return counted(
          phase.job.request.payload === undefined
            ? this.#unheard(state, phase.job)
            : this.#doubt(state, phase.job),
        )
      case 'waiting':
        return counted(this.#unanswered(state, phase.job))
      default:
        return unchanged(state)
    }
  }

  #unheard(state: EcrState, job: Job): Step {
    if (job.tries <= this.#timing.repeatLimit) return this.#again(state, job)
    const outcome: CommandOutcome = {
      type: 'failed',
      reason: 'timeout',
      detail: 'the terminal does not answer',
    }
    const step = this.#fail(state, job, outcome)
    return { state: step.state, effects: [{ type: 'silent' }, ...step.effects] }
  }

  #again(state: EcrState, job: Job): Step {
    const step = this.#send(state, { ...job, tries: job.tries + 1 })
    return { state: step.state, effects: [{ type: 'count', counter: 'repeat' }, ...step.effects] }
  }

  #unanswered(state: EcrState, job: Job): Step {
    const { about, request, tries } = job
    if (about !== undefined)
      return tries < ASKS
        ? this.#ask(state, about, tries + 1)
        : this.#resolve(state, about, unknown('the terminal does not say what it paid last'))
    if (request.payload !== undefined) return this.#doubt(state, job)
    return this.#fail(state, job, { type: 'failed', reason: 'timeout', detail: 'no answer' })
  }

  /** Money may have moved: that is journaled first, and then the terminal is asked. */
  #doubt(state: EcrState, job: Job): Step {
    const { payload = new Uint8Array(0) } = job.request
    const marked = concatBytes([Uint8Array.of(UNKNOWN_MARK), payload])
    return {
      state: { ...state, phase: { type: 'doubting', job } },
      effects: [{ type: 'deliver', payload: marked, raw: marked }],
    }
  }

  #fail(state: EcrState, job: Job, outcome: CommandOutcome): Step {
    const { about, command } = job
    // Where the question is not heard, its subject is still unknown.
    if (about !== undefined) return this.#resolve(state, about, unknown('the terminal is silent'))
    return this.#resolve(state, command, outcome)
  }

  /** The request is over; a command that waited for the line is next. */
  #resolve(state: EcrState, about: LinkCommand | 'nobody', outcome: CommandOutcome): Step {
    const { next, nowMs } = state
    const free: EcrState = { phase: IDLE, nowMs, next: undefined }
    const effects: readonly LinkEffect[] =
      about === 'nobody' ? [] : [{ type: 'answered', id: about.id, outcome }]
    if (next === undefined) return { state: free, effects: [{ type: 'release' }, ...effects] }
    const step = this.#commanded(free, next)
    const end: readonly LinkEffect[] = step.state.phase.type === 'idle' ? [{ type: 'release' }] : []
    return { state: step.state, effects: [...end, ...effects, ...step.effects] }
  }
}

/** An ACK behind another message would be taken for that one's, which is not in the journal. */
function meanwhile(state: EcrState, phase: Settling, payload: Uint8Array): Step {
  if (equalBytes(phase.payload, payload)) return repeated(state)
  const isVoid = { ...phase, sinceMs: Number.NEGATIVE_INFINITY }
  return { state: { ...state, phase: isVoid }, effects: [{ type: 'count', counter: 'late' }] }
}
