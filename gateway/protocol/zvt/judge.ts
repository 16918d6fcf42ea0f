import { fail, ok, type Result } from '../../core/result.js'
import type { ProtocolFields, ReadMessage } from '../protocol.js'
import { isAnswer, readApdu } from './apdu.js'
import { currencyCode } from './currency.js'
import { type CommandKind, type Memory, NOTHING, type Pending } from './memory.js'
import { readMessage, type ZvtMessage } from './message.js'
import { resultText } from './result-code.js'
import { readStatus, type StatusFields, schemeOf, sensitiveBmp } from './status.js'

/** What the terminal's conversation is read by. */
export interface JudgeOptions {
  /** ISO 4217, where neither command nor status name one. */
  readonly currency: string
  /** The terminal may add a tip, so that more is paid than was asked for. */
  readonly amountMayDiffer: boolean
}

/** What a payload means, and what is known from then on. */
export type Judgement =
  | {
      readonly type: 'messages'
      readonly messages: readonly ReadMessage[]
      readonly memory: Memory
    }
  | { readonly type: 'sensitive'; readonly message: string }
  | { readonly type: 'rejected'; readonly message?: string; readonly issue: string }

/** In place of an APDU: the terminal fell silent, or the line was opened anew. */
export const SILENCE = Uint8Array.of(0)

/** The till's commands after which money may have moved. */
const COMMANDS: Readonly<Record<string, CommandKind>> = {
  '0601': 'authorise',
  '0609': 'authorise',
  '060A': 'authorise',
  '0622': 'hold',
  '0623': 'adjust',
  '0624': 'authorise',
  '0625': 'hold',
  '0630': 'reverse',
  '0631': 'refund',
  '0650': 'settle',
}
/** What a status of success says of each. */
const CONCLUSIONS: Readonly<Record<CommandKind, string>> = {
  authorise: 'approved',
  reverse: 'reversed',
  refund: 'refunded',
  settle: 'settled',
  hold: 'progress',
  adjust: 'undecided',
}
const REPEAT_RECEIPT = '0620'
const PROGRESS: ReadMessage = { name: 'progress', fields: {} }
const REPEATED: ReadMessage = { name: 'repeated', fields: {} }

export function isMoneyCommand(control: string): boolean {
  return Object.hasOwn(COMMANDS, control)
}

/**
 * Pure: what an APDU of either side means where this is known. The terminal's status does not say
 * what it is the status of, so that without the command before it a payment is not told from a
 * refund: only what its own fields say is taken then.
 */
export function judge(payload: Uint8Array, memory: Memory, options: JudgeOptions): Judgement {
  if (payload[0] === SILENCE[0] && payload.length === 1) return fellSilent(memory)
  const apdu = readApdu(payload)
  if (apdu === undefined) return { type: 'rejected', issue: 'expected one whole APDU' }
  const read = readMessage(apdu)
  if (!read.ok) return unreadable(apdu.control, read.error)
  const message = read.value
  const sensitive = sensitiveBmp(message.bmps)
  if (sensitive !== undefined) return { type: 'sensitive', message: `${apdu.control} ${sensitive}` }
  const status = readStatus(message.bmps)
  if (!status.ok) return unreadable(apdu.control, status.error)
  return new Judge(memory, options).say(message, status.value)
}

/** What a message that cannot be read was most likely to say. */
const LIKELY: Readonly<Record<string, string>> = {
  '040F': 'approved',
  '0601': 'started',
  '060F': 'unknown',
  '061E': 'declined',
}

function unreadable(control: string, issue: string): Judgement {
  const message = LIKELY[control]
  return message === undefined
    ? { type: 'rejected', issue: `${control}: ${issue}` }
    : rejected(message, issue)
}

function rejected(message: string, issue: string): Judgement {
  return { type: 'rejected', message, issue }
}

/** What is not concluded is in doubt from now on, and stays so until the terminal is asked. */
function fellSilent(memory: Memory): Judgement {
  const { asking: _, open, pending, ...rest } = memory
  const marked: Memory = {
    ...rest,
    ...(open === undefined ? {} : { open: { ...open, isDoubtful: true } }),
    ...(pending === undefined ? {} : { pending: { ...pending, isUnknown: true } }),
  }
  const isNews = pending !== undefined && pending.isUnknown !== true
  return { type: 'messages', messages: [isNews ? unknown(pending) : PROGRESS], memory: marked }
}

function unknown({ kind, amountMinor, currency }: Pending): ReadMessage {
  return kind === 'authorise' && amountMinor !== undefined && currency !== undefined
    ? { name: 'unknown', fields: { amount: amountMinor, currency } }
    : { name: 'undecided', fields: { command: kind } }
}

class Judge {
  readonly #memory: Memory
  readonly #options: JudgeOptions

  constructor(memory: Memory, options: JudgeOptions) {
    this.#memory = memory
    this.#options = options
  }

  say(message: ZvtMessage, status: StatusFields): Judgement {
    const { control } = message
    const kind = COMMANDS[control]
    if (kind !== undefined) return this.#commanded(kind, status)
    if (isAnswer(message)) return this.#answered(message)
    switch (control) {
      case REPEAT_RECEIPT:
        return this.#said([PROGRESS], { ...this.#memory, asking: true })
      case '040F':
        return this.#memory.asking === true ? this.#asked(status) : this.#told(status)
      case '060F':
        return this.#completed()
      case '061E':
        return this.#aborted(message.head.resultCode ?? 0xff)
      default:
        return this.#said([PROGRESS], this.#memory)
    }
  }

  #commanded(kind: CommandKind, status: StatusFields): Judgement {
    const { pending, last } = this.#memory
    const lost = pending === undefined || pending.isUnknown === true ? [] : [unknown(pending)]
    const { amountMinor } = status
    const currency = this.#currencyOf(status)
    if (currency === undefined) return rejected('started', 'BMP 49: a currency that is not known')
    const money = amountMinor === undefined ? {} : { amountMinor, currency }
    const isPayment = kind === 'authorise' && amountMinor !== undefined
    const started = isPayment
      ? [{ name: 'started', fields: { amount: amountMinor, currency } }]
      : [PROGRESS]
    return this.#said([...lost, ...started], { pending: { kind, ...money }, ...lastOf(last) })
  }

  /** The terminal refuses a command, or the till the goods, and the terminal takes it back. */
  #answered({ control, bmps }: ZvtMessage): Judgement {
    if (control === '8000') return this.#said([PROGRESS], this.#memory)
    if (this.#memory.asking === true) return fellSilent(this.#memory)
    const code = Number.parseInt(control.slice(2), 16)
    if (code === 0x9d && bmps.length > 0)
      return rejected('approved', 'the till takes a smaller amount than was authorised')
    return this.#concludeWithout(`refused: ${resultText(code)}`)
  }

  #completed(): Judgement {
    const { asking, pending, open, last } = this.#memory
    if (asking === true) return this.#said([PROGRESS], withoutAsking(this.#memory))
    // A payment is completed by its status; one without is in doubt. Others may have none. What was
    // in doubt before stays so: it is another command that is completed.
    const isInDoubt = pending?.isUnknown === true || open?.isDoubtful === true
    return pending?.kind === 'authorise' || isInDoubt
      ? fellSilent(this.#memory)
      : this.#said([PROGRESS], lastOf(last))
  }

  #aborted(code: number): Judgement {
    const { asking, open, pending, last } = this.#memory
    const isInDoubt = pending?.isUnknown === true || open?.isDoubtful === true
    if (asking === true || isInDoubt) return fellSilent(this.#memory)
    const reason = resultText(code)
    if (open === undefined) return this.#concludeWithout(reason)
    const fields = { ...open.fields, reason: `taken back after its approval: ${reason}` }
    return this.#said([{ name: 'reversed', fields }], lastOf(last))
  }

  /** The command came to nothing. */
  #concludeWithout(reason: string): Judgement {
    const { pending, last } = this.#memory
    const kept = lastOf(last)
    if (pending?.kind !== 'authorise' || pending.amountMinor === undefined)
      return this.#said([PROGRESS], kept)
    const { amountMinor: amount, currency = this.#options.currency } = pending
    return this.#said([{ name: 'declined', fields: { amount, currency, reason } }], kept)
  }

  /** The status of the command before it, or of what nobody heard. */
  #told(status: StatusFields): Judgement {
    const { pending, last } = this.#memory
    const reference = referenceOf(status)
    if (status.resultCode === undefined)
      return rejected('approved', 'BMP 27, the result, is missing')
    if (status.resultCode !== 0) return this.#failed(status)
    if (reference !== undefined && reference === last) return this.#said([REPEATED], this.#memory)
    const kind = pending?.kind ?? kindByItself(status)
    if (kind === undefined)
      return rejected('approved', 'no command was heard that it is the status of')
    return this.#concluded(kind, status)
  }

  /** The terminal's last status, asked for: the pending command's, or an older one's. */
  #asked(status: StatusFields): Judgement {
    const { pending, last, open } = this.#memory
    const reference = referenceOf(status)
    if (pending === undefined) {
      const isTakenBack = open?.isDoubtful === true && reference !== last
      const reason = 'taken back: its answer was lost, and the terminal has another one last'
      const messages = isTakenBack
        ? [{ name: 'reversed', fields: { ...open.fields, reason } }]
        : [REPEATED]
      return this.#said(messages, { asking: true, ...lastOf(reference) })
    }
    if (status.resultCode === undefined)
      return rejected('approved', 'BMP 27, the result, is missing')
    if (status.resultCode !== 0) return this.#failed(status)
    if (reference !== undefined && reference === last)
      return this.#keepAsking(this.#concludeWithout('not carried out: the last status is older'))
    return this.#keepAsking(this.#concluded(pending.kind, status))
  }

  #keepAsking(judgement: Judgement): Judgement {
    if (judgement.type !== 'messages') return judgement
    const { open: _, ...memory } = judgement.memory
    return { ...judgement, memory: { ...memory, asking: true } }
  }

  #failed(status: StatusFields): Judgement {
    const { pending, asking } = this.#memory
    const reason = reasonOf(status)
    const { amountMinor = status.amountMinor, kind = 'authorise' } = pending ?? {}
    const currency = pending?.currency ?? this.#currencyOf(status)
    if (kind !== 'authorise') return this.#concludeWithout(reason)
    if (amountMinor === undefined || currency === undefined)
      return rejected('declined', 'for how much was not heard')
    const fields = { amount: amountMinor, currency, ...detailsOf(status), reason }
    return this.#said([{ name: 'declined', fields }], {
      ...lastOf(this.#memory.last),
      ...(asking === undefined ? {} : { asking }),
    })
  }

  #concluded(kind: CommandKind, status: StatusFields): Judgement {
    const made = this.#madeOf(kind, status)
    if (!made.ok) return rejected(CONCLUSIONS[kind], made.error)
    const { reference, message } = made.value
    const { name, fields } = message
    // Only of a payment is it told when it was aborted after all; the others end with their status.
    const open = name === 'approved' ? { open: { fields: flat(fields) } } : {}
    return this.#said([message], { last: reference, ...open })
  }

  #madeOf(
    kind: CommandKind,
    status: StatusFields,
  ): Result<{ readonly reference: string; readonly message: ReadMessage }, string> {
    const { pending } = this.#memory
    const reference = referenceOf(status)
    const { monthDay } = status
    const currency =
      status.currency === undefined
        ? (pending?.currency ?? this.#options.currency)
        : currencyCode(status.currency)
    const amount = status.amountMinor ?? pending?.amountMinor
    if (reference === undefined || monthDay === undefined)
      return fail('a trace or receipt number, date and time are needed to tell it from others')
    if (currency === undefined) return fail('BMP 49: a currency that is not known')
    if (kind === 'hold') return ok({ reference, message: PROGRESS })
    if (kind === 'adjust') return fail('a reservation that was changed in part: see the terminal')
    if (amount === undefined) return fail('BMP 04, the amount, is missing')
    const asked = pending?.amountMinor
    const isOther = asked !== undefined && asked !== amount && !this.#options.amountMayDiffer
    if (isOther) return fail('another amount than was asked for')
    const fields = { amount, currency, monthDay, reference }
    if (kind === 'settle') return settlement({ reference, fields, status })
    const name = CONCLUSIONS[kind]
    return ok({ reference, message: { name, fields: { ...fields, ...detailsOf(status) } } })
  }

  #currencyOf({ currency }: StatusFields): string | undefined {
    return currency === undefined ? this.#options.currency : currencyCode(currency)
  }

  #said(messages: readonly ReadMessage[], memory: Memory): Judgement {
    return { type: 'messages', messages, memory }
  }
}

function lastOf(last: string | undefined): Memory {
  return last === undefined ? NOTHING : { last }
}

function withoutAsking({ asking: _, ...memory }: Memory): Memory {
  return memory
}

/** A reversal names its original's trace, an end of day its totals; others look all alike. */
function kindByItself({ originalTrace, totals }: StatusFields): CommandKind | undefined {
  if (originalTrace !== undefined) return 'reverse'
  return totals === undefined ? undefined : 'settle'
}

function settlement(options: {
  readonly reference: string
  readonly fields: ProtocolFields & { readonly amount: number }
  readonly status: StatusFields
}): Result<{ readonly reference: string; readonly message: ReadMessage }, string> {
  const { reference, fields, status } = options
  const { totals, traceNumber, terminalId } = status
  const schemes = (totals?.schemes ?? []).filter(
    ({ count, amountMinor }) => count + amountMinor > 0,
  )
  const sum = schemes.reduce((total, { amountMinor }) => total + amountMinor, 0)
  if (totals !== undefined && sum !== fields.amount)
    return fail('the totals of the schemes do not add up to the amount')
  return ok({
    reference,
    message: {
      name: 'settled',
      fields: {
        ...fields,
        ...(totals === undefined
          ? {}
          : { firstReceipt: totals.firstReceipt, lastReceipt: totals.lastReceipt }),
        ...(traceNumber === undefined ? {} : { traceNumber }),
        ...(terminalId === undefined ? {} : { terminalId }),
        schemes: schemes.map(({ scheme, count, amountMinor }) => ({
          scheme,
          count,
          sum: amountMinor,
        })),
      },
    },
  })
}

/** Tells a status from all others of this terminal; nothing where it has too little of its own. */
function referenceOf(status: StatusFields): string | undefined {
  const { monthDay, time, terminalId = '', traceNumber, receiptNumber } = status
  const numbers = [traceNumber ?? '', receiptNumber ?? '']
  const hasNumber = numbers.some(number => /[1-9]/.test(number)) || status.totals !== undefined
  if (monthDay === undefined || time === undefined || !hasNumber) return undefined
  return [terminalId, monthDay, time, ...numbers].join('-')
}

function detailsOf(status: StatusFields): Readonly<Record<string, string>> {
  const { maskedPan, authorisation, receiptNumber, traceNumber, terminalId } = status
  const details = {
    scheme: schemeOf(status),
    maskedPan,
    authorisation: authorisation === '' ? undefined : authorisation,
    receiptNumber,
    traceNumber,
    terminalId,
  }
  const present = Object.entries(details).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  )
  return Object.fromEntries(present)
}

function reasonOf({ resultCode = 0xff, additionalText = '' }: StatusFields): string {
  const text = resultText(resultCode)
  return additionalText.trim() === '' ? text : `${text}: ${additionalText.trim()}`.slice(0, 200)
}

function flat(fields: ProtocolFields): NonNullable<Memory['open']>['fields'] {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, value]) =>
      typeof value === 'object' ? [] : [[name, value] as const],
    ),
  )
}
