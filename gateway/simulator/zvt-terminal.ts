import { toHex } from '../core/bytes.js'
import type { Clock } from '../core/clock.js'
import { type Apdu, encodeApdu, isAnswer, POSITIVE, readApdu } from '../protocol/zvt/apdu.js'
import { ApduFramer } from '../protocol/zvt/apdu-framer.js'
import { type Bmp, bcd, bmpValue, encodeBmps } from '../protocol/zvt/bmp.js'
import { readMessage } from '../protocol/zvt/message.js'
import { ACK, encodeSerial, NAK, SerialFramer } from '../protocol/zvt/serial-framer.js'
import { encodeTotals } from '../protocol/zvt/totals.js'
import type { TerminalLine } from './stop-and-wait.js'

/** What the terminal did with a card; what was taken back moved no money. */
export interface ZvtTransaction {
  readonly kind: 'payment' | 'refund' | 'reversal'
  readonly amountMinor: number
  /** Receipt and trace number alike. */
  readonly number: number
  readonly time: string
  state: 'kept' | 'taken-back'
}

/** What a terminal knows whatever happens to its line. */
export interface ZvtMemory {
  readonly transactions: ZvtTransaction[]
}

/** What goes wrong with the next payment; nothing: it is approved. */
export interface ZvtBehaviour {
  /** The result code of a refusal. */
  readonly declines?: number
  /** The customer presses the red key. */
  readonly aborts?: true
  /** It stays silent from here on, until the next command. */
  readonly hangs?: 'before-answer' | 'before-status' | 'after-status'
  /** Its first status is sent twice, as where an acknowledgement was lost. */
  readonly repeatsStatus?: true
  readonly printsLines?: number
}

export interface ZvtTerminalOptions {
  readonly line: TerminalLine
  readonly wire: 'serial' | 'tcp'
  readonly clock: Clock
  readonly memory: ZvtMemory
  /** Called for each command that moves money. */
  readonly behave: () => ZvtBehaviour
  /**
   * A status that nobody answers: kept, as since revision 13.08, or taken back, as before it.
   */
  readonly keepsUnanswered: boolean
  readonly answerWithinMs: number
}

const IDLE_MS = 20
const REPEATS = 2
const TERMINAL_ID = '28004869'
const EUR = '0978'
const DAY = '1130'
/** Software 2.0.9, ready. */
const VERSION_AND_STATUS = Buffer.from('\xf0\xf0\xf52.0.9\0', 'latin1')
const NOTHING_TO_REPEAT = 0x66
const NOT_POSSIBLE = 0x83
const WAIT = '849C'

/** A ZVT payment terminal on one line, from its opening to its loss. */
export class ZvtTerminal {
  readonly #options: ZvtTerminalOptions
  readonly #framer: SerialFramer | ApduFramer
  readonly #stopListening: () => void
  #onAcknowledged: (isAck: boolean) => void = () => undefined
  #onAnswer: (answer: Apdu) => void = () => undefined
  #cancelIdle: () => void = () => undefined
  /** What waits for the till, and is told that it will not come. */
  readonly #waiting = new Set<() => void>()
  #isAborted = false
  #isClosed = false

  constructor(options: ZvtTerminalOptions) {
    this.#options = options
    this.#framer = options.wire === 'serial' ? new SerialFramer() : new ApduFramer()
    this.#stopListening = options.line.onData(bytes => this.#hear(bytes))
  }

  /** The line is lost: what was not answered will not be. */
  close(): void {
    this.#cancelIdle()
    this.#stopListening()
    this.#isClosed = true
    for (const giveUp of this.#waiting) giveUp()
  }

  #hear(bytes: Uint8Array): void {
    this.#cancelIdle()
    for (const output of this.#framer.push(bytes)) this.#take(output)
    if (this.#framer.bufferedBytes > 0)
      this.#cancelIdle = this.#options.clock.after(IDLE_MS, () => {
        for (const output of this.#framer.idle()) this.#take(output)
      })
  }

  #take(output: ReturnType<ApduFramer['push']>[number]): void {
    if (output.type === 'discarded') return
    const { payload } = output
    if (payload.length === 1) {
      this.#onAcknowledged(payload[0] !== NAK)
      return
    }
    const apdu = readApdu(payload)
    if (apdu === undefined) return
    if (this.#options.wire === 'serial') this.#write(Uint8Array.of(ACK))
    if (isAnswer(apdu)) this.#onAnswer(apdu)
    // A line that is lost in the middle of it ends the conversation, not the terminal.
    else this.#obey(apdu).catch(() => undefined)
  }

  async #obey(apdu: Apdu): Promise<void> {
    const { control } = apdu
    if (control === '06B0') {
      this.#isAborted = true
      return this.#answer(POSITIVE)
    }
    this.#isAborted = false
    switch (control) {
      case '0600':
        return this.#complete([
          { tag: 0x19, value: Uint8Array.of(0) },
          { tag: 0x29, value: bcd(TERMINAL_ID, 4) },
          { tag: 0x49, value: bcd(EUR, 2) },
        ])
      case '0501':
        return this.#complete([], VERSION_AND_STATUS)
      case '0601':
        return this.#pay(apdu, 'payment')
      case '0631':
        return this.#pay(apdu, 'refund')
      case '0630':
        return this.#reverse(apdu)
      case '0620':
        return this.#repeat()
      case '0650':
        return this.#settle()
      default:
        return this.#answer({ control: '8483', data: new Uint8Array(0) })
    }
  }

  async #complete(bmps: readonly Bmp[], head = new Uint8Array(0)): Promise<void> {
    await this.#answer(POSITIVE)
    await this.#say('060F', Buffer.concat([head, encodeBmps(bmps)]))
  }

  async #pay(apdu: Apdu, kind: 'payment' | 'refund'): Promise<void> {
    const behaviour = this.#options.behave()
    if (behaviour.hangs === 'before-answer') return
    await this.#answer(POSITIVE)
    await this.#say('04FF', Uint8Array.of(0x0a))
    // Without its till a terminal takes no card.
    if (behaviour.aborts === true || this.#isAborted || this.#isClosed) return this.#abort(0x6c)
    if (behaviour.declines !== undefined) return this.#decline(behaviour.declines)
    const transaction = this.#enter(kind, amountOf(apdu))
    await this.#tell(transaction, behaviour)
  }

  async #reverse(apdu: Apdu): Promise<void> {
    const behaviour = this.#options.behave()
    if (behaviour.hangs === 'before-answer') return
    await this.#answer(POSITIVE)
    const number = Number(digitsOf(apdu, 0x87))
    const original = this.#options.memory.transactions.find(
      one => one.number === number && one.kind === 'payment' && one.state === 'kept',
    )
    if (original === undefined) return this.#abort(0xb5)
    const transaction = this.#enter('reversal', original.amountMinor)
    await this.#tell(transaction, behaviour, [{ tag: 0x37, value: bcd(String(number), 3) }])
  }

  /** The status, and what the till's answer makes of the transaction. */
  async #tell(
    transaction: ZvtTransaction,
    behaviour: ZvtBehaviour,
    more: readonly Bmp[] = [],
  ): Promise<void> {
    if (behaviour.hangs === 'before-status') return this.#unanswered(transaction)
    const status = encodeBmps([...statusOf(transaction), ...more])
    let answer = await this.#say('040F', status)
    if (behaviour.repeatsStatus === true) answer = await this.#say('040F', status)
    for (let again = 0; answer?.control === WAIT && again < 10; again += 1)
      answer = await this.#say('040F', status)
    if (answer === undefined) return this.#unanswered(transaction)
    if (answer.control !== '8000' && answer.control !== '8400') {
      transaction.state = 'taken-back'
      return this.#abort(0x05)
    }
    for (let line = 0; line < (behaviour.printsLines ?? 0); line += 1)
      await this.#say('06D1', Buffer.from(`\0line ${line}`, 'latin1'))
    if (behaviour.hangs === 'after-status') return
    await this.#say('060F', new Uint8Array(0))
  }

  #unanswered(transaction: ZvtTransaction): void {
    if (!this.#options.keepsUnanswered) transaction.state = 'taken-back'
  }

  async #decline(code: number): Promise<void> {
    const result = { tag: 0x27, value: Uint8Array.of(code) }
    await this.#say('040F', encodeBmps([result, { tag: 0x29, value: bcd(TERMINAL_ID, 4) }]))
    await this.#abort(code)
  }

  async #repeat(): Promise<void> {
    await this.#answer(POSITIVE)
    const last = this.#options.memory.transactions.findLast(({ state }) => state === 'kept')
    if (last === undefined) return this.#abort(NOTHING_TO_REPEAT)
    const original = { tag: 0x37, value: bcd('1', 3) }
    await this.#say(
      '040F',
      encodeBmps([...statusOf(last), ...(last.kind === 'reversal' ? [original] : [])]),
    )
    await this.#say('060F', new Uint8Array(0))
  }

  async #settle(): Promise<void> {
    await this.#answer(POSITIVE)
    const kept = this.#options.memory.transactions.filter(({ state }) => state === 'kept')
    const sum = kept.reduce(
      (total, { kind, amountMinor }) => total + (kind === 'payment' ? amountMinor : -amountMinor),
      0,
    )
    if (sum < 0) return this.#abort(NOT_POSSIBLE)
    const schemes = [{ scheme: 'girocard', count: kept.length, sum }]
    await this.#say(
      '040F',
      encodeBmps([
        { tag: 0x27, value: Uint8Array.of(0) },
        { tag: 0x04, value: bcd(String(sum), 6) },
        { tag: 0x0c, value: bcd(timeOf(this.#options.clock), 3) },
        { tag: 0x0d, value: bcd(DAY, 2) },
        { tag: 0x60, value: encodeTotals({}, schemes) },
      ]),
    )
    await this.#say('060F', new Uint8Array(0))
  }

  #enter(kind: ZvtTransaction['kind'], amountMinor: number): ZvtTransaction {
    const { transactions } = this.#options.memory
    const number = transactions.length + 1
    const time = timeOf(this.#options.clock)
    const transaction: ZvtTransaction = { kind, amountMinor, number, time, state: 'kept' }
    transactions.push(transaction)
    return transaction
  }

  async #abort(code: number): Promise<void> {
    await this.#say('061E', Uint8Array.of(code))
  }

  /** The till's answer; nothing where there is none in time. */
  async #say(control: string, data: Uint8Array): Promise<Apdu | undefined> {
    const answer = this.#next<Apdu>(listener => {
      this.#onAnswer = listener
    })
    if (!(await this.#send({ control, data }))) return undefined
    return answer
  }

  async #answer(apdu: Apdu): Promise<void> {
    await this.#send(apdu)
  }

  /** Whether it was acknowledged, where the line wants that. */
  async #send(apdu: Apdu): Promise<boolean> {
    const bytes = encodeApdu(apdu)
    if (this.#options.wire === 'tcp') {
      this.#write(bytes)
      return true
    }
    for (let repeat = 0; repeat <= REPEATS; repeat += 1) {
      const acknowledged = this.#next<boolean>(listener => {
        this.#onAcknowledged = listener
      })
      this.#write(encodeSerial(bytes))
      if ((await acknowledged) === true) return true
    }
    return false
  }

  #next<Value>(listen: (listener: (value: Value) => void) => void): Promise<Value | undefined> {
    return new Promise(resolve => {
      const settle = (value: Value | undefined): void => {
        cancel()
        this.#waiting.delete(giveUp)
        resolve(value)
      }
      const giveUp = (): void => settle(undefined)
      const cancel = this.#options.clock.after(this.#options.answerWithinMs, giveUp)
      this.#waiting.add(giveUp)
      if (this.#isClosed) giveUp()
      listen(settle)
    })
  }

  #write(bytes: Uint8Array): void {
    this.#options.line.write(bytes).catch(() => undefined) // A cut line is noticed by its silence.
  }
}

function statusOf({ amountMinor, number, time }: ZvtTransaction): readonly Bmp[] {
  return [
    { tag: 0x27, value: Uint8Array.of(0) },
    { tag: 0x04, value: bcd(String(amountMinor), 6) },
    { tag: 0x0b, value: bcd(String(number), 3) },
    { tag: 0x0c, value: bcd(time, 3) },
    { tag: 0x0d, value: bcd(DAY, 2) },
    { tag: 0x22, value: Buffer.from('eeeeeeeeeeee4771', 'hex') },
    { tag: 0x29, value: bcd(TERMINAL_ID, 4) },
    { tag: 0x49, value: bcd(EUR, 2) },
    { tag: 0x87, value: bcd(String(number), 2) },
    { tag: 0x8b, value: Buffer.from('girocard\0', 'latin1') },
  ]
}

function timeOf(clock: Clock): string {
  return new Date(clock.wallMs()).toISOString().slice(11, 19).replaceAll(':', '')
}

function amountOf(apdu: Apdu): number {
  return Number(digitsOf(apdu, 0x04))
}

function digitsOf(apdu: Apdu, tag: number): string {
  const message = readMessage(apdu)
  const value = message.ok ? bmpValue(message.value.bmps, tag) : undefined
  return value === undefined ? '0' : toHex(value)
}
