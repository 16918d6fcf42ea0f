import type { LineActivity } from '../line/transport/line-tap.js'
import type { StoreStatus } from '../wire/status.js'
import type { CableTrend } from './cable-trend.js'
import { trendText } from './cable-trend.js'
import type { Finding } from './machine/check.js'
import type { ProcessName } from './machine/processes.js'
import { parityHint } from './parity-hint.js'

/** All that is known of one terminal at one moment. */
export interface TerminalFacts {
  readonly status: StoreStatus['terminals'][number]
  readonly activity: LineActivity
  /** The last bytes heard. */
  readonly recent: Uint8Array
  readonly nowMs: number
  /** How a serial port is set: `9600 8N1`. */
  readonly settings: string | undefined
  /** Whether its port is there; undefined where it has none. */
  readonly isPlugged: boolean | undefined
  /** Other processes that have its port open. */
  readonly holders: readonly ProcessName[]
  readonly trend: CableTrend
}

/** A silence is unusual that is so much longer than any before. */
const UNUSUAL = 3
const LEAST_SILENCE_MS = 30_000

const CABLE =
  'Is it on, does it sell, is its plug in on both sides? With a loop plug in its place ' +
  '`diag loopback` tells whether port and adapter are well.'

/** Why a terminal sends nothing, the likeliest first; or that nothing is wrong with it. Pure. */
export function terminalFindings(facts: TerminalFacts): readonly Finding[] {
  const name = facts.status.terminal
  const { trend, status } = facts
  // Whoever else has a port open that the gateway reads takes bytes from it.
  const isOurs = status.state !== 'opening' && status.state !== 'lost'
  const cable: readonly Finding[] =
    trend.state === 'steady'
      ? []
      : [
          {
            name,
            state: 'warn',
            found: `its cable begins to fail: ${trendText(trend)}`,
            doThis: CABLE,
          },
        ]
  const held = facts.holders.map(
    ({ pid, name: program }): Finding => ({
      name,
      state: isOurs ? 'warn' : 'fail',
      found: `its port is held by another process: ${pid} (${program})`,
      doThis: `Stop process ${pid}: \`kill ${pid}\`. The gateway opens a free port by itself.`,
    }),
  )
  return isOurs ? [lineFinding(facts), ...held, ...cable] : [...held, lineFinding(facts)]
}

function lineFinding(facts: TerminalFacts): Finding {
  const { status, isPlugged } = facts
  const { terminal: name, state, reason = 'no reason is known', address } = status
  switch (state) {
    case 'opening':
    case 'lost':
      return isPlugged === false
        ? {
            name,
            state: 'fail',
            found: `${address} is not there: the adapter is unplugged, or has no power`,
            doThis: 'Plug it in; `diag ports` shows which adapters there are.',
          }
        : noLineFinding(facts, reason)
    case 'garbled':
    case 'babbling':
      return garbledFinding(facts, reason)
    case 'silent': {
      const found = `it is asked and answers nothing: ${heardText(facts)}`
      return { name, state: 'fail', found, doThis: CABLE }
    }
    case 'connected':
      return connectedFinding(facts)
    case 'stopped':
      return { name, state: 'warn', found: 'the gateway is stopping', doThis: 'Ask again.' }
  }
}

function noLineFinding({ status }: TerminalFacts, reason: string): Finding {
  const { terminal: name, address } = status
  if (!address.startsWith('mqtt:'))
    return { name, state: 'fail', found: `no line: ${reason}`, doThis: 'See `diag ports`.' }
  const found = 'its client is not connected to the in-store broker'
  const doThis = 'Is it on, does it know broker and password? `diag logs` shows who was refused.'
  return { name, state: 'fail', found, doThis }
}

function garbledFinding({ status, recent, settings }: TerminalFacts, reason: string): Finding {
  const { terminal: name, discardedBytes, framesTotal } = status
  const counts = `${discardedBytes} bytes without sense, ${framesTotal} frames`
  const hint = parityHint(recent)
  const set = settings === undefined ? '' : `, the port is set to ${settings}`
  if (hint !== undefined) {
    const parity = hint === '7E1' ? 'even' : 'odd'
    return {
      name,
      state: 'fail',
      found: `wrong parity: the terminal sends ${hint}${set} (${counts})`,
      doThis: `Write \`dataBits: 7\`, \`parity: ${parity}\` at its \`line\`, or set it to 8N1.`,
    }
  }
  return {
    name,
    state: 'fail',
    found: `${reason}${set} (${counts})`,
    doThis: 'Compare with what the terminal is set to: speed first; then look at a `diag capture`.',
  }
}

function connectedFinding(facts: TerminalFacts): Finding {
  const { status, activity, nowMs } = facts
  const { terminal: name, framesTotal, rejectedTotal } = status
  if (activity.heardBytes === 0)
    return {
      name,
      state: 'warn',
      found: `its line is open, and ${heardText(facts)}`,
      doThis: CABLE,
    }
  const silentMs = nowMs - (activity.heardMs ?? nowMs)
  const isUnusual = silentMs >= LEAST_SILENCE_MS && silentMs >= UNUSUAL * activity.longestSilenceMs
  if (isUnusual) {
    const usual = seconds(activity.longestSilenceMs)
    const before = `never more than ${usual} before`
    const found = `its line is open and fell silent: ${heardText(facts)}, ${before}`
    return { name, state: 'warn', found, doThis: CABLE }
  }
  if (rejectedTotal > 0 && rejectedTotal >= framesTotal / 2)
    return {
      name,
      state: 'warn',
      found: `${rejectedTotal} of ${framesTotal} frames were understood by nobody`,
      doThis: 'Is it the model and firmware that the configuration says? See a `diag capture`.',
    }
  return { name, state: 'ok', found: `it is heard: ${heardText(facts)}, ${framesTotal} frames` }
}

function heardText({ activity, nowMs }: TerminalFacts): string {
  const { heardMs, openSinceMs, heardBytes } = activity
  if (heardMs !== undefined)
    return `the last of ${heardBytes} bytes came ${seconds(nowMs - heardMs)} ago`
  const since = openSinceMs === undefined ? '' : ` in ${seconds(nowMs - openSinceMs)}`
  return `not one byte has come${since}`
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`
}
