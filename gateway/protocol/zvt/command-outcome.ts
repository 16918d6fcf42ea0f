import type { CommandOutcome, LinkCommand, LinkEffect } from '../../line/link/link.js'
import { readApdu } from './apdu.js'
import type { EcrState, Operation } from './ecr-state.js'
import { type JudgeOptions, judge } from './judge.js'
import { readMessage } from './message.js'
import { resultText } from './result-code.js'
import { readStatus } from './status.js'

const DECISIVE: ReadonlySet<string> = new Set([
  'approved',
  'declined',
  'reversed',
  'refunded',
  'settled',
])

/** The same judgement as the journal's, so that till and HQ hear the same. */
export function withJudgement(
  state: EcrState,
  payload: Uint8Array,
  options: JudgeOptions,
): EcrState {
  const judgement = judge(payload, state.memory, options)
  if (judgement.type !== 'messages') return state
  const { memory } = judgement
  if (state.operation === undefined) return { ...state, memory }
  const decided = judgement.messages.findLast(({ name }) => DECISIVE.has(name))
  const heard = withMessage(state.operation, payload)
  return { ...state, memory, operation: decided === undefined ? heard : { ...heard, decided } }
}

/** What the till is told of a command that the terminal has ended. */
export function outcomeOf({ decided, failure, values = {} }: Operation): CommandOutcome {
  const { reason } = decided?.fields ?? {}
  // A payment that was reversed was aborted behind its approval; a reversal has no reason.
  const isUndone =
    decided?.name === 'declined' || (decided?.name === 'reversed' && reason !== undefined)
  const detail = isUndone ? String(reason) : failure
  return detail === undefined
    ? { type: 'successful', values }
    : { type: 'failed', reason: 'rejected', detail }
}

/** What a message of the terminal adds to what is known of its operation. */
export function withMessage(operation: Operation, apdu: Uint8Array): Operation {
  const parsed = readApdu(apdu)
  const read = parsed === undefined ? undefined : readMessage(parsed)
  if (parsed === undefined || read?.ok !== true) return operation
  const { control, head, bmps } = read.value
  if (control === '061E') return { ...operation, failure: resultText(head.resultCode ?? 0xff) }
  if (control.startsWith('84'))
    return { ...operation, failure: resultText(Number.parseInt(control.slice(2), 16)) }
  const status = readStatus(bmps)
  const { resultCode, amountMinor, receiptNumber, traceNumber, maskedPan, terminalId } = status.ok
    ? status.value
    : {}
  const { terminalStatus } = head
  const said = { resultCode, amountMinor, receiptNumber, traceNumber, maskedPan, terminalId }
  return { ...operation, values: { ...operation.values, ...present({ ...said, terminalStatus }) } }
}

export function answered({ id }: LinkCommand, outcome: CommandOutcome): LinkEffect {
  return { type: 'answered', id, outcome }
}

export function failed(reason: 'rejected' | 'unknown', detail: string): CommandOutcome {
  return { type: 'failed', reason, detail }
}

function present(
  values: Readonly<Record<string, string | number | undefined>>,
): LinkCommand['values'] {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value] as const],
    ),
  )
}
