import { count } from './count.js'

/** What the demo knows at one moment, ready to be shown. */
export interface DemoView {
  readonly store: string
  readonly dataDir: string
  readonly uptimeMs: number
  readonly terminals: readonly {
    readonly id: string
    readonly profile: string
    readonly state: string
    readonly events: number
  }[]
  /** Why there are no terminals on Bluetooth; undefined where there are. */
  readonly airless: string | undefined
  /** Acknowledged in the last minute. */
  readonly salesPerMinute: number
  /** Journaled and not receipted; unknown while the gateway is down. */
  readonly backlog: number | undefined
  /** How long the journal's disk has room; unknown in the first minutes. */
  readonly autonomyHours: number | undefined
  readonly link: 'up' | 'pulled'
  readonly gateway: { readonly text: string; readonly pid: number | undefined }
  readonly hq: string
  readonly ledgerRows: number
  readonly check: {
    readonly found: number
    readonly waiting: number
    readonly lost: number
    readonly doubled: number
    readonly verified: number
    readonly findings: readonly string[]
  }
  /** The command with which to listen as HQ would. */
  readonly listen: string
}

export interface ScreenLine {
  readonly text: string
  readonly style?: 'bold' | 'dim' | 'alarm'
}

const KEYS = 'l  pull or restore the link to HQ    k  kill -9 the gateway mid-sale    q  end'
const SHOWN_FINDINGS = 3

/** The whole screen, line by line. */
export function screenOf(view: DemoView): ScreenLine[] {
  const { check } = view
  const isSound = check.lost === 0 && check.doubled === 0 && check.findings.length === 0
  const row = (name: string, text: string): ScreenLine => ({ text: `  ${name.padEnd(12)}${text}` })
  return [
    { text: `tillbridge demo · ${view.store} · ${duration(view.uptimeMs)}`, style: 'bold' },
    { text: `everything it keeps is under ${view.dataDir}`, style: 'dim' },
    { text: '' },
    ...view.terminals.map(terminal =>
      row(
        terminal.id,
        terminal.state.padEnd(11) + count(terminal.events, 'event').padEnd(14) + terminal.profile,
      ),
    ),
    ...(view.airless === undefined ? [] : [row('bluetooth', airlessText(view.airless))]),
    { text: '' },
    row('sales', `${view.salesPerMinute} in the last minute`),
    row('gateway', view.gateway.text),
    row('journal', backlogText(view.backlog) + roomText(view.autonomyHours)),
    row('link to HQ', view.link === 'up' ? 'up' : 'PULLED: the shop goes on selling'),
    row('HQ', view.hq),
    row(
      'ledger',
      `${count(view.ledgerRows, 'record')}, ${count(check.found, 'sale')}, ` +
        `chain verified over ${check.verified}; ${check.waiting} on their way`,
    ),
    { text: '' },
    {
      text: `  lost ${check.lost}    doubled ${check.doubled}`,
      style: isSound ? 'bold' : 'alarm',
    },
    ...check.findings
      .slice(0, SHOWN_FINDINGS)
      .map((text): ScreenLine => ({ text: `  ${text}`, style: 'alarm' })),
    { text: '' },
    { text: 'listen as HQ would, in another terminal:', style: 'dim' },
    { text: `  ${view.listen}` },
    { text: '' },
    { text: KEYS, style: 'dim' },
  ]
}

/** The same as one line, for a log. */
export function summaryOf(view: DemoView): string {
  const { check } = view
  const connected = view.terminals.filter(terminal => terminal.state === 'connected').length
  return [
    `terminals ${connected}/${view.terminals.length}`,
    `sales/min ${view.salesPerMinute}`,
    `backlog ${view.backlog ?? '?'}`,
    `link ${view.link}`,
    `gateway ${view.gateway.pid ?? view.gateway.text}`,
    `ledger ${view.ledgerRows}`,
    `sales ${check.found}`,
    `lost ${check.lost}`,
    `doubled ${check.doubled}`,
    ...check.findings.slice(0, SHOWN_FINDINGS),
  ].join(' · ')
}

const STYLES = { bold: '\x1b[1m', dim: '\x1b[2m', alarm: '\x1b[1;31m' } as const

/** Redraws lines over the ones before, in place: no flicker, and the scroll-back stays clean. */
export class Screen {
  readonly #write: (text: string) => void
  readonly #size: () => { readonly columns: number; readonly rows: number }
  #drawn = 0

  constructor(options: {
    readonly write: (text: string) => void
    readonly size: () => { readonly columns: number; readonly rows: number }
  }) {
    this.#write = options.write
    this.#size = options.size
  }

  draw(lines: readonly ScreenLine[]): void {
    const { columns, rows } = this.#size()
    const width = columns - 1
    // What scrolled away could not be drawn over.
    const shown = lines.slice(0, rows - 1)
    const body = shown.map(({ text, style }) => {
      const cut = text.length > width ? `${text.slice(0, width - 1)}…` : text
      return `\x1b[2K${style === undefined ? cut : `${STYLES[style]}${cut}\x1b[0m`}\n`
    })
    const up = this.#drawn > 0 ? `\x1b[${this.#drawn}A` : ''
    this.#write(`${up}${body.join('')}\x1b[J`)
    this.#drawn = shown.length
  }
}

export function airlessText(reason: string): string {
  return `none: dbus-daemon is missing or does not start (${reason}); Debian: apt install dbus`
}

function backlogText(backlog: number | undefined): string {
  if (backlog === undefined) return 'no word from the gateway'
  return backlog === 0 ? 'everything confirmed by HQ' : `${count(backlog, 'record')} wait for HQ`
}

function roomText(hours: number | undefined): string {
  return hours === undefined ? '' : `; room for ${count(hours, 'hour')}`
}

function duration(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}
