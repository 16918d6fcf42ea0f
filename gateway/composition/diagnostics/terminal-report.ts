import { systemClock } from '../../core/clock.js'
import type { CableTrend } from '../../diagnostics/cable-trend.js'
import type { Finding } from '../../diagnostics/machine/check.js'
import { type PortReport, reportPorts } from '../../diagnostics/port-report.js'
import { type Statistics, unifiedPosStatistics } from '../../diagnostics/statistics.js'
import { terminalFindings } from '../../diagnostics/terminal-findings.js'
import type { StoreStatus } from '../../wire/status.js'
import type { Spoken } from '../dialects.js'
import type { Diagnosed } from './diagnosed.js'

/** All that is known of one terminal. */
export interface TerminalReport {
  readonly status: StoreStatus['terminals'][number]
  readonly findings: readonly Finding[]
  /** How its serial port is set: `9600 8N1`. */
  readonly settings?: string
  readonly port?: PortReport
  readonly heardBytes: number
  readonly writtenBytes: number
  readonly heardAgoMs?: number
  readonly writtenAgoMs?: number
  readonly trend: CableTrend['state']
  readonly statistics: Statistics
}

export async function reportTerminals(
  diagnosed: Diagnosed,
  ports?: readonly PortReport[],
): Promise<readonly TerminalReport[]> {
  const known = ports ?? (await reportPorts(diagnosed.shop.config))
  const { terminals } = diagnosed.status()
  return diagnosed.spoken.flatMap(spoken => {
    const status = terminals.find(one => one.terminal === spoken.terminal.id)
    return status === undefined ? [] : [reportOf(diagnosed, { spoken, status, ports: known })]
  })
}

function reportOf(
  { shop, cables }: Diagnosed,
  one: {
    readonly spoken: Spoken
    readonly status: StoreStatus['terminals'][number]
    readonly ports: readonly PortReport[]
  },
): TerminalReport {
  const { spoken, status, ports } = one
  const { id, profile, line, firmware } = spoken.terminal
  const { ingest, tapOf } = shop.instruments
  const place = line.type === 'bus' ? line.bus : id
  const port = ports.find(({ usedBy }) => usedBy.includes(place))
  const { activity, recent } = tapOf(id)
  const trend = cables.trendOf(id)
  const nowMs = systemClock.monotonicMs()
  const settings = settingsOf(spoken)
  const { heardMs, writtenMs, heardBytes, writtenBytes } = activity
  return {
    status,
    findings: terminalFindings({
      status,
      activity,
      recent,
      nowMs,
      settings,
      isPlugged: port?.isThere,
      holders: (port?.holders ?? []).filter(({ pid }) => pid !== process.pid),
      trend,
    }),
    ...(settings === undefined ? {} : { settings }),
    ...(port === undefined ? {} : { port }),
    heardBytes,
    writtenBytes,
    ...(heardMs === undefined ? {} : { heardAgoMs: Math.round(nowMs - heardMs) }),
    ...(writtenMs === undefined ? {} : { writtenAgoMs: Math.round(nowMs - writtenMs) }),
    trend: trend.state,
    statistics: unifiedPosStatistics({
      status,
      profile,
      line: line.type,
      firmware,
      connectedHours: cables.connectedHours(id),
      scans: ingest.countOf(id, 'code.scanned'),
      weighings: ingest.countOf(id, 'goods.weighed'),
    }),
  }
}

/** As the configuration has it, and as the dialect has where that says nothing. */
export function settingsOf({ terminal: { line }, dialect }: Spoken): string | undefined {
  if (line.type !== 'serial') return undefined
  const { baudRate, dataBits, parity, stopBits } = { ...dialect.line, ...line }
  return `${baudRate} ${dataBits}${parity.charAt(0).toUpperCase()}${stopBits}`
}

/** One terminal for people: its state, what is wrong and what to do, its figures. */
export function terminalText(report: TerminalReport): readonly string[] {
  const { status, findings, settings, heardBytes, writtenBytes, statistics } = report
  const { terminal, state, profile, address, framesTotal, eventsTotal, rejectedTotal } = status
  const set = settings === undefined ? '' : ` (${settings})`
  const errors = `${status.burstTotal} bursts, ${status.repeatTotal} repeats`
  return [
    `${terminal}  ${state}  ${address}${set}  ${profile}`,
    ...findings.flatMap(finding => [
      `    ${finding.state}: ${finding.found}`,
      ...(finding.state === 'ok' ? [] : [`    -> ${finding.doThis}`]),
    ]),
    `    ${heardBytes} bytes heard, ${writtenBytes} written; ${framesTotal} frames, ` +
      `${eventsTotal} events, ${rejectedTotal} rejected; ${status.discardedBytes} bytes discarded`,
    `    ${errors}, ${status.nakTotal} NAKs, ${status.timeoutTotal} unanswered`,
    `    ${Object.entries(statistics)
      .map(([name, value]) => `${name} ${value}`)
      .join(', ')}`,
  ]
}
