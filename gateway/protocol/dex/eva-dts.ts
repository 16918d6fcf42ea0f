import { checksum } from '../../line/checksum/catalog.js'

/** One line of an audit file: `PA1*01*250*COFFEE`. Fields are counted from 1, as manuals do. */
export interface Segment {
  readonly name: string
  readonly fields: readonly string[]
}

/** One transaction set of an audit file: from ST to SE, or the whole where these are missing. */
export interface AuditSet {
  /** DXS01: who sent it. */
  readonly sender: string | undefined
  readonly segments: readonly Segment[]
  /** Upper-case hexadecimal. */
  readonly g85: { readonly printed: string | undefined; readonly computed: string }
  /** SE01, and how many segments there are from ST to SE. */
  readonly count: { readonly printed: number | undefined; readonly counted: number }
}

/**
 * The transaction sets of an EVA-DTS audit file. Lines may end as collectors store them: for G85
 * each ends CR LF, as the machine sent it (EVA-DTS 6.2).
 */
export function readAuditFile(text: string): readonly AuditSet[] {
  const lines = text.split(/\r\n|\n|\r/)
  const starts = lines.flatMap((line, at) => (line.startsWith('ST*') ? [at] : []))
  const [first = lines.findIndex(line => line.startsWith('DXS*')) + 1] = starts
  const from = starts.length === 0 ? [first] : starts
  return from.map((start, index) => {
    const before = lines.slice(from[index - 1] ?? 0, start)
    const sender = before.findLast(line => line.startsWith('DXS*'))
    return auditSet(lines.slice(start, from[index + 1]), sender && fieldOf(segment(sender), 1))
  })
}

/** The text of a field, `^XX^` escapes as the characters of code page 1251 that they stand for. */
export function fieldOf({ fields }: Segment, number: number): string | undefined {
  const text = fields[number - 1]
  if (text === undefined || text.trim() === '') return undefined
  return text.replace(ESCAPES, escapes =>
    CP1251.decode(Buffer.from(escapes.replaceAll('^', ''), 'hex')),
  )
}

const ESCAPES = /(\^[0-9A-Fa-f]{2}\^)+/g
const CP1251 = new TextDecoder('windows-1251')

/** What machines write for a counter that they do not keep. */
const NOT_AVAILABLE: ReadonlySet<string> = new Set(['4294967295', 'FFFFFFFF', 'FFFF'])

export function isNotAvailable(text: string): boolean {
  return NOT_AVAILABLE.has(text.trim().toUpperCase())
}

/** The number in a field; nothing where it is empty or the machine keeps none. */
export function counterOf(segment: Segment, number: number): number | undefined {
  const text = fieldOf(segment, number)?.trim()
  if (text === undefined || isNotAvailable(text)) return undefined
  if (!/^\d{1,12}$/.test(text))
    throw new RangeError(`${segment.name}${String(number).padStart(2, '0')}: expected digits`)
  return Number(text)
}

/** Whether the printed checksum is right. Some old machines print its low byte first. */
export function isSound({ g85 }: AuditSet): boolean {
  const { printed, computed } = g85
  return printed === computed || printed === computed.slice(2) + computed.slice(0, 2)
}

function auditSet(lines: readonly string[], sender: string | undefined): AuditSet {
  const end = lines.findIndex(line => /^(SE|DXE)\*/.test(line))
  const own = end < 0 ? lines.filter(line => line !== '') : lines.slice(0, end)
  const g85At = own.findIndex(line => line.startsWith('G85*'))
  const covered = g85At < 0 ? own : own.slice(0, g85At)
  const last = end < 0 || lines[end] === undefined ? undefined : segment(lines[end])
  const count = last?.name === 'SE' ? fieldOf(last, 1) : undefined
  return {
    sender,
    segments: own.map(segment),
    g85: {
      printed: g85At < 0 ? undefined : own[g85At]?.slice(4).trim().toUpperCase(),
      computed: g85Of(covered),
    },
    count: {
      printed: count !== undefined && /^\d{1,6}$/.test(count) ? Number(count) : undefined,
      counted: own.length + (last?.name === 'SE' ? 1 : 0),
    },
  }
}

/** The CRC over these segments, as it is printed: high byte first. */
export function g85Of(lines: readonly string[]): string {
  const text = lines.map(line => `${line}\r\n`).join('')
  const crc = checksum('CRC-16/ARC', Buffer.from(text, 'latin1'))
  return crc.toString(16).toUpperCase().padStart(4, '0')
}

function segment(line: string): Segment {
  const [name = '', ...fields] = line.split('*')
  return { name, fields }
}
