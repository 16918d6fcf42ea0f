import t, { type Test } from 'tap'
import { type CommandedTerminals, terminalSink } from '../../gateway/composition/terminal-sink.js'
import { systemClock } from '../../gateway/core/clock.js'
import { newEventId, terminalId } from '../../gateway/core/ids.js'
import { systemRandom } from '../../gateway/core/random.js'
import type { Event } from '../../gateway/event/event.js'
import { makeEvent } from '../../gateway/event/make-event.js'
import type { Journal } from '../../gateway/journal/journal.js'
import type { CommandOutcome, LinkCommand } from '../../gateway/line/link/link.js'
import { NullModem } from '../../gateway/line/transport/null-modem.js'
import type { CommandRequest } from '../../gateway/wire/command.js'
import { requestOf } from '../downlink/hq.js'
import { journalIn } from '../journal/open.js'
import { NOON_MS, STORE } from '../support/sample.js'
import { steppedClock } from '../support/stepped-clock.js'
import { until } from '../support/until.js'
import {
  attach,
  type Counter,
  counter,
  startZvt,
  type ZvtSession,
  zvtDialect,
} from '../terminal/zvt-shop.js'

const PAYMENT = terminalId('zvt-1')
const DONE: CommandOutcome = { type: 'successful', values: {} }
const NOT_YET: CommandOutcome = { type: 'failed', reason: 'rejected', detail: '', notYet: true }
const SILENT: CommandOutcome = { type: 'failed', reason: 'unknown', detail: 'silent' }
const MUTE: CommandOutcome = { type: 'failed', reason: 'unsupported', detail: 'no such' }
const ANOTHER: CommandOutcome = {
  type: 'failed',
  reason: 'rejected',
  detail: 'not carried out: another is last',
  notDone: true,
}

function commandOf(verb: string, values: CommandRequest['arguments'] = { amountMinor: 1250 }) {
  return requestOf('c-1', { target: PAYMENT, verb, arguments: values })
}

function stated(terminal = PAYMENT) {
  return {
    id: newEventId(systemClock, systemRandom),
    store: STORE,
    terminal,
    wallMs: NOON_MS,
    timeZone: 'UTC',
    clockState: 'synced',
  } as const
}

function payment(kind: 'started' | 'approved' | 'declined' | 'unknown', amountMinor = 1250): Event {
  const data = { amountMinor, currency: 'EUR', method: 'card' } as const
  return makeEvent({ type: `payment.${kind}`, data, ...stated() })
}

function executing({ id: command, verb }: CommandRequest): Event {
  const argumentsDigest = 'ab'.repeat(32)
  const said = { command, issuer: 'alice', target: PAYMENT, verb, argumentsDigest } as const
  return makeEvent({
    type: 'gateway.command',
    data: { ...said, state: 'executing' },
    ...stated(terminalId('gateway')),
  })
}

async function journalOf(t: Test, events: readonly Event[]): Promise<Journal> {
  const journal = await journalIn(t.testdir())
  t.teardown(() => journal.close())
  await journal.append(events)
  return journal
}

/** A terminal that answers each question as the next of these; the last one again and again. */
function saying(answers: readonly CommandOutcome[], isUnsettled?: boolean) {
  const heard: LinkCommand[] = []
  const terminals: CommandedTerminals = {
    order: async (_terminal, command) => {
      heard.push(command)
      return answers[heard.length - 1] ?? answers.at(-1) ?? DONE
    },
    isMoney: () => true,
    isUnsettled: async () => isUnsettled,
  }
  return { terminals, heard }
}

function context(signal = new AbortController().signal) {
  return { signal, issuer: 'alice', untilMs: 77, emit: async () => undefined }
}

/** Asks, while the time goes on. */
async function asked(
  journal: Journal,
  terminals: CommandedTerminals,
  request: CommandRequest,
): Promise<unknown> {
  const { clock, step } = steppedClock()
  let outcome: unknown
  const abort = new AbortController()
  const asking = terminalSink({ journal, terminals, clock }).ask(request, context(abort.signal))
  void asking.then(ended => {
    outcome = ended
  })
  await until('it knows', () => {
    step(1000)
    return outcome !== undefined
  })
  return outcome
}

t.test(
  'a command reaches its terminal with its deadline; HQ hears no word of the line',
  async t => {
    const { terminals, heard } = saying([NOT_YET])
    const sink = terminalSink({ journal: await journalOf(t, []), terminals, clock: systemClock })
    const outcome = await sink.run(commandOf('tare', {}), context())
    t.strictSame(outcome, { type: 'failed', reason: 'rejected', detail: '' })
    t.match(heard, [{ id: 'c-1', verb: 'tare', untilMs: 77 }])
  },
)

t.test('a terminal is asked until it says what came of it, and never told again', async t => {
  const request = commandOf('authorise')
  const journal = await journalOf(t, [executing(request), payment('started')])
  const { terminals, heard } = saying([NOT_YET, SILENT, SILENT, DONE, DONE])
  const order: CommandedTerminals['order'] = async (terminal, command) => {
    if (heard.length === 4) await journal.append([payment('approved')])
    return terminals.order(terminal, command)
  }
  t.match(await asked(journal, { ...terminals, order }, request), {
    type: 'successful',
    values: { amountMinor: 1250 },
  })
  t.equal(heard.length, 5, 'one that had spoken without saying it is asked again')
  const about = { verb: 'authorise', values: { amountMinor: 1250 } }
  for (const { verb, about: asks } of heard) t.strictSame([verb, asks], ['repeat-receipt', about])
})

t.test('silence ends where the terminal says that another payment was its last', async t => {
  const request = commandOf('authorise')
  const begun = [executing(request), payment('started'), payment('unknown')]
  const { terminals } = saying([SILENT, ANOTHER])
  t.match(await asked(await journalOf(t, begun), terminals, request), {
    reason: 'rejected',
    detail: /another is last/,
  })
  const newer = await journalIn(`${t.testdirName}/newer`)
  t.teardown(() => newer.close())
  await newer.append([...begun, payment('approved', 999)])
  const outcome = await asked(newer, saying([ANOTHER]).terminals, request)
  t.match(outcome, { reason: 'unknown' }, 'unless that one may have come behind ours')
})

t.test('one that cannot be asked: what it said before, else nobody knows', async t => {
  const request = commandOf('authorise')
  const begun = [executing(request), payment('started')]
  const journal = await journalOf(t, begun)
  const { terminals } = saying([MUTE])
  t.match(await asked(journal, terminals, request), { reason: 'unknown', detail: /resolve/ })
  await journal.append([payment('declined')])
  t.match(await asked(journal, terminals, request), { reason: 'rejected' })
  const reversal = commandOf('reverse', { receiptNumber: '1' })
  t.match(await asked(journal, terminals, reversal), { reason: 'unknown' })
  t.match(await asked(journal, saying([DONE]).terminals, reversal), { reason: 'unknown' })
})

t.test('whoever stops the asking hears that nobody knows', async t => {
  const request = commandOf('authorise')
  const journal = await journalOf(t, [executing(request), payment('started')])
  const abort = new AbortController()
  const { terminals, heard } = saying([SILENT])
  const sink = terminalSink({ journal, terminals, clock: systemClock })
  const asking = sink.ask(request, context(abort.signal))
  await until('it was asked', () => heard.length > 0)
  abort.abort()
  t.match(await asking, { reason: 'unknown' })
})

interface Till {
  readonly session: ZvtSession
  readonly journal: Journal
}

/** A gateway with a simulated terminal, which outlives it. */
async function startTill(t: Test, at: Counter): Promise<Till & { again(): Promise<Till> }> {
  const journal = await journalOf(t, [])
  const modem = new NullModem({ clock: systemClock })
  const cut = await attach(modem, 'tcp', at)
  const dialect = await zvtDialect('ecr-tcp')
  const start = () => startZvt(t, { dialect, transport: modem.ends[0], journal })
  const session = start()
  await session.ready()
  const again = async () => {
    cut()
    return { session: start(), journal }
  }
  return { session, journal, again }
}

const CASES = [
  { verb: 'reverse', values: { receiptNumber: 1 } },
  { verb: 'refund', values: { amountMinor: 300 } },
] as const

for (const { verb, values } of CASES)
  for (const { hangs, isDone } of [
    { hangs: 'before-answer', isDone: false },
    { hangs: 'before-status', isDone: true },
    { hangs: 'after-status', isDone: true },
  ] as const)
    t.test(`ZVT: a ${verb} over the death of the gateway, ${hangs}, is asked for`, async t => {
      const at = counter()
      const { session, journal, again } = await startTill(t, at)
      await session.command('authorise', { amountMinor: 1250 })
      const request = commandOf(verb, values)
      await journal.append([executing(request)])
      at.behaviours.push({ hangs })
      void session.command(verb, values)
      await until('it is at work, or silent', () => at.behaviours.length === 0)
      await until(
        'it did what it does',
        () =>
          at.memory.transactions.filter(one => one.state === 'kept').length === (isDone ? 2 : 1),
      )
      await session.stop()
      const next = await again()
      const terminals: CommandedTerminals = {
        order: (_terminal, command) => next.session.command(command.verb, {}),
        isMoney: () => true,
        isUnsettled: () => next.session.isUnsettled(),
      }
      const sink = terminalSink({ journal, terminals, clock: systemClock })
      const outcome = await sink.ask(request, context())
      if (isDone) t.match(outcome, { type: 'successful' })
      else t.match(outcome, { reason: 'rejected', detail: /not carried out/ })
      const kept = at.memory.transactions.filter(({ state }) => state === 'kept')
      t.equal(kept.length, isDone ? 2 : 1, 'and it is not done again')
    })

t.test('whoever ends the asking does not wait for a terminal that is being asked', async t => {
  const request = commandOf('authorise')
  const journal = await journalOf(t, [executing(request)])
  const { terminals } = saying([])
  const order = (): Promise<CommandOutcome> => new Promise(() => undefined)
  const sink = terminalSink({ journal, terminals: { ...terminals, order }, clock: systemClock })
  const abort = new AbortController()
  const asking = sink.ask(request, context(abort.signal))
  abort.abort()
  t.match(await asking, { reason: 'unknown' })
})
