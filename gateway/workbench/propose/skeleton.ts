import { stringify } from 'yaml'
import { toHex } from '../../core/bytes.js'
import { SKELETON } from '../../profile/lint.js'
import type { CaptureHead } from '../capture/capture-file.js'
import type { TimedBytes } from '../listen.js'
import { burstsOf, isSaidAgain, longestPauseMs } from './bursts.js'
import { clustersOf } from './clusters.js'
import type { Proposal } from './propose-framing.js'

/** Who the new terminal is. */
export interface NewTerminal {
  readonly vendor: string
  readonly model: string
  readonly firmware: string
  readonly kind: string
}

/** What captured frames of one message are worth as cases. */
const CASES_EACH = 3
const MODE = { N: 'none', E: 'even', O: 'odd' } as const
const LEAST_IDLE_MS = 100

/**
 * The three files of a new terminal, by the names they are to have in its vendor's folder: they
 * load, and every captured frame is rejected until someone has said what its message means.
 */
export function skeletonOf(options: {
  readonly terminal: NewTerminal
  readonly proposal: Proposal
  readonly chunks: readonly TimedBytes[]
  readonly head: CaptureHead | undefined
  /** The folder of the JSON Schemas, as an editor finds it from the files. */
  readonly schemas: string
}): Readonly<Record<string, string>> {
  const { terminal, proposal, chunks, head, schemas } = options
  const { vendor, model, firmware, kind } = terminal
  const clusters = clustersOf(proposal.frames)
  const source = head === undefined ? 'a capture' : `capture of ${head.address}, ${head.startedAt}`
  const holdsCards = proposal.frames.some(({ raw }) => /\*{6}|e{6}/.test(latin1(raw) + toHex(raw)))
  const profile = {
    format: 1,
    vendor,
    model,
    name: `${vendor} ${model}`,
    kind,
    source: `${source}; write the manual and its page here`,
    firmware: [{ from: firmware, to: firmware, dialect: model }],
  }
  const dialect = {
    format: 1,
    vendor,
    dialect: model,
    version: 1,
    source: `${source}; write the manual and its page here`,
    line: lineOf(head),
    framing: proposal.framing,
    link: linkFor(chunks),
    idleMs: Math.max(LEAST_IDLE_MS, Math.ceil(4 * longestPauseMs(chunks))),
    cardData: holdsCards,
    charset: 'latin1',
    messages: clusters.map(({ name, begins, layout }) => {
      return { name, ...begins, layout, reject: SKELETON }
    }),
  }
  const cases = {
    format: 1,
    vendor,
    dialect: model,
    timeZone: 'UTC',
    cases: clusters.flatMap(({ name, frames }) =>
      distinct(frames.map(({ raw }) => toHex(raw))).map((hex, index) => {
        const expect = { rejected: `${name}: ${SKELETON}` }
        return { name: `${name}-${index + 1}`, source, direction: 'from-terminal', hex, expect }
      }),
    ),
  }
  return {
    [`${model}.profile.yaml`]: yamlOf(`${schemas}/profile`, profile),
    [`${model}.dialect.yaml`]: yamlOf(`${schemas}/dialect`, dialect, evidenceLines(proposal)),
    [`${model}.cases.yaml`]: yamlOf(`${schemas}/cases`, cases),
  }
}

function yamlOf(schema: string, value: unknown, remarks: readonly string[] = []): string {
  const head = `# yaml-language-server: $schema=${schema}.schema.json\n`
  const remark = remarks.map(line => `# ${line}\n`).join('')
  // Quoted, for a firmware of 1.0 is not the number 1.
  return (
    head +
    remark +
    stringify(value, { lineWidth: 0, defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'PLAIN' })
  )
}

function evidenceLines({ confidence, evidence }: Proposal): readonly string[] {
  return [`framing (${confidence}): ${evidence.join('; ')}`]
}

function lineOf(head: CaptureHead | undefined): Readonly<Record<string, unknown>> {
  const [, data, parity, stop] = /^([78])([NEO])([12])$/.exec(head?.mode ?? '') ?? []
  return {
    baudRate: head?.baudRate ?? 9600,
    dataBits: data === '7' ? 7 : 8,
    parity: parity === 'E' || parity === 'O' ? MODE[parity] : MODE.N,
    stopBits: stop === '2' ? 2 : 1,
  }
}

/** As the other side answered where it was heard, or as one may conclude where it was not. */
function linkFor(chunks: readonly TimedBytes[]): Readonly<Record<string, unknown>> {
  const said = chunks.filter(({ from }) => from === 'host').map(({ bytes }) => toHex(bytes))
  const acknowledges = said.filter(hex => hex === '06' || hex === '15').length
  if (acknowledges > 0 && acknowledges >= said.length / 2) return { type: 'ack-nak' }
  if (said.length === 0) return { type: isSaidAgain(burstsOf(chunks)) ? 'ack-nak' : 'unsolicited' }
  const requests = distinct(said).slice(0, 4)
  return { type: 'poll', requests, everyMs: 500, replyWithinMs: 300 }
}

function distinct(list: readonly string[]): readonly string[] {
  return [...new Set(list)].slice(0, CASES_EACH)
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}
