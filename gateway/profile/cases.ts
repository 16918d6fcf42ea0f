import { fromHex, toHex } from '../core/bytes.js'
import { type Clock, systemClock } from '../core/clock.js'
import { storeId, terminalId } from '../core/ids.js'
import { seededRandom } from '../core/random.js'
import { canonicalJson } from '../event/canonical-json.js'
import type { Event } from '../event/event.js'
import type { FramerOutput } from '../line/framing/framer.js'
import type { Link, LinkInput } from '../line/link/link.js'
import type { Capture, Decoded, DecodedMessage, InterpretingDialect } from './dialect.js'
import type { Loaded } from './load.js'
import type { Case, CasesFile, Expectation } from './schema.js'

/** How one case went. */
export interface CaseResult {
  /** `file:line` of the case. */
  readonly place: string
  readonly name: string
  /** What was not as expected; none where it passed. */
  readonly failures: readonly string[]
  /** The messages the bytes were taken for. */
  readonly messages: readonly string[]
  readonly outcome: Decoded['type'] | 'discarded'
  /** It was not taken, or not all of it. */
  readonly isRefused: boolean
}

/** Two moments: what a message means must not depend on when it was heard. */
const CAPTURED_MS = [Date.UTC(2026, 10, 22, 18, 0, 0), Date.UTC(2026, 10, 23, 5, 30, 0)] as const

/** Runs every case of one dialect, bytes to event and, where it says so, back. */
export function runCases(options: {
  readonly dialect: InterpretingDialect
  readonly cases: Loaded<CasesFile>
}): readonly CaseResult[] {
  const { dialect, cases } = options
  const { source, value } = cases
  return value.cases.map((one, index) => ({
    place: `${source.file}:${source.locate(['cases', index]).line}`,
    name: one.name,
    ...runCase({ dialect, one, timeZone: value.timeZone }),
  }))
}

function runCase(options: {
  readonly dialect: InterpretingDialect
  readonly one: Case
  readonly timeZone: string
}): Omit<CaseResult, 'place' | 'name'> {
  const { dialect, one, timeZone } = options
  const encoding = encodeFailures(dialect, one)
  const framed = frameOf(dialect, fromHex(one.hex))
  if (framed.type === 'discarded') {
    const expected = 'discarded' in one.expect && one.expect.discarded === framed.reason
    const failures = expected ? [] : [`the framer discards it: ${framed.reason}`]
    return {
      failures: [...failures, ...encoding],
      messages: [],
      outcome: 'discarded',
      isRefused: true,
    }
  }
  const [first, second] = CAPTURED_MS.map(wallMs => {
    const capture = captureAt({ wallMs, timeZone })
    const held = heldAfter({ dialect, frames: one.before ?? [], capture })
    return dialect.interpret(framed.payload, capture, held)
  })
  if (first === undefined || second === undefined) throw new RangeError('two captures were made')
  return {
    failures: [
      ...outcomeFailures(one.expect, first),
      ...repeatFailures(first.decoded, second.decoded),
      ...encoding,
    ],
    messages: first.messages,
    outcome: first.decoded.type,
    isRefused: 'issues' in first.decoded && (first.decoded.issues ?? []).length > 0,
  }
}

type Framed =
  | { readonly type: 'payload'; readonly payload: Uint8Array }
  | { readonly type: 'discarded'; readonly reason: string }

/** A frame to begin from, and what was held when it came. */
export interface CaseFrame {
  readonly name: string
  readonly bytes: Uint8Array
  readonly held: readonly Uint8Array[]
}

/** What a file's cases are made of, for those who go on from there. */
export function framesOf(dialect: InterpretingDialect, cases: CasesFile): readonly CaseFrame[] {
  const capture = captureAt({ wallMs: CAPTURED_MS[0], timeZone: cases.timeZone })
  return cases.cases.map(({ name, hex, before = [] }) => {
    const held = heldAfter({ dialect, frames: before, capture })
    return { name, bytes: fromHex(hex), held }
  })
}

/**
 * The one frame of the bytes, or what the link makes of several. Noise beside them is not judged:
 * the LF after a CR, say.
 */
function frameOf(dialect: InterpretingDialect, bytes: Uint8Array): Framed {
  const framer = dialect.createFramer()
  const outputs = [...framer.push(bytes), ...framer.idle()]
  const [frame, ...others] = outputs.filter(output => output.type === 'frame')
  const [discarded] = outputs.filter(output => output.type === 'discarded')
  if (frame !== undefined && others.length === 0) return { type: 'payload', payload: frame.payload }
  const [payload, ...more] = discarded === undefined ? deliveredBy(dialect.link, outputs) : []
  if (payload !== undefined && more.length === 0) return { type: 'payload', payload }
  return { type: 'discarded', reason: discarded?.reason ?? 'several frames' }
}

/** What a link delivers of a dialogue; where it waits for its timer, that runs off at once. */
export function deliveredBy(
  link: Link<unknown>,
  outputs: readonly FramerOutput[],
): readonly Uint8Array[] {
  const delivered: Uint8Array[] = []
  let { state, effects } = link.next(link.initial, { type: 'opened' })
  const feed = (input: LinkInput): void => {
    const step = link.next(state, input)
    state = step.state
    effects = step.effects
  }
  for (const output of outputs) {
    if (effects.some(effect => effect.type === 'timer')) feed({ type: 'elapsed', atMs: 0 })
    feed({ type: 'framed', output, atMs: 0 })
    delivered.push(...effects.flatMap(one => (one.type === 'deliver' ? [one.payload] : [])))
  }
  return delivered
}

/** What is held once these frames have come. */
function heldAfter(options: {
  readonly dialect: InterpretingDialect
  readonly frames: readonly string[]
  readonly capture: Capture
}): readonly Uint8Array[] {
  const { dialect, frames, capture } = options
  let held: readonly Uint8Array[] = []
  for (const hex of frames) {
    const framed = frameOf(dialect, fromHex(hex))
    if (framed.type === 'discarded') continue
    const decoded = dialect.decode(framed.payload, capture, held)
    if ('step' in decoded && decoded.step !== undefined) held = decoded.step.held
  }
  return held
}

function captureAt(options: { readonly wallMs: number; readonly timeZone: string }): Capture {
  const clock: Clock = { ...systemClock, wallMs: () => options.wallMs }
  return {
    store: storeId('store-001'),
    terminal: terminalId('terminal-1'),
    timeZone: options.timeZone,
    clockState: 'synced',
    clock,
    random: seededRandom(options.wallMs),
  }
}

function outcomeFailures(expect: Expectation, found: DecodedMessage): readonly string[] {
  const { decoded } = found
  if ('events' in expect) {
    if (decoded.type !== 'events') return [`expected events, found ${describe(decoded)}`]
    if (decoded.events.length !== expect.events.length)
      return [`expected ${expect.events.length} events, found ${decoded.events.length}`]
    const failures = expect.events.flatMap((expected, index) =>
      eventFailures(expected, decoded.events[index]),
    )
    return [...failures, ...besideFailures(expect.rejected, decoded.issues ?? [])]
  }
  if ('ignored' in expect)
    return decoded.type === 'ignored' && decoded.message === expect.ignored
      ? []
      : [`expected ${expect.ignored} to be ignored, found ${describe(decoded)}`]
  if ('part' in expect)
    return decoded.type === 'part' && decoded.message === expect.part
      ? []
      : [`expected ${expect.part} to be kept as a part, found ${describe(decoded)}`]
  if ('sensitive' in expect)
    return decoded.type === 'sensitive' && decoded.message === expect.sensitive
      ? []
      : [`expected ${expect.sensitive} to be dropped, found ${describe(decoded)}`]
  if ('rejected' in expect) {
    const isExpected =
      decoded.type === 'rejected' && decoded.issues.join('; ').includes(expect.rejected)
    return isExpected
      ? []
      : [`expected a rejection with "${expect.rejected}", found ${describe(decoded)}`]
  }
  return [`expected the framer to discard it (${expect.discarded}), found ${describe(decoded)}`]
}

function besideFailures(
  expected: string | undefined,
  issues: readonly string[],
): readonly string[] {
  const found = issues.join('; ')
  const isExpected = expected === undefined ? found === '' : found.includes(expected)
  return isExpected
    ? []
    : [`expected "${expected ?? 'no issue'}" beside the events, found ${found}`]
}

function eventFailures(
  expected: Extract<Expectation, { events: unknown }>['events'][number],
  found: Event | undefined,
): readonly string[] {
  const members = ['type', 'subject', 'businessday', 'time', 'data'] as const
  return members
    .filter(member => expected[member] !== undefined)
    .filter(member => canonicalJson(expected[member]) !== canonicalJson(found?.[member] ?? null))
    .map(
      member =>
        `${member}: expected ${canonicalJson(expected[member])}, ` +
        `found ${canonicalJson(found?.[member] ?? null)}`,
    )
}

function repeatFailures(first: Decoded, second: Decoded): readonly string[] {
  const dataOf = (decoded: Decoded) =>
    decoded.type === 'events' ? canonicalJson(decoded.events.map(event => event.data)) : ''
  return dataOf(first) === dataOf(second)
    ? []
    : ['the same bytes, heard later, gave other data: a repeat would be taken for a conflict']
}

function encodeFailures(dialect: InterpretingDialect, one: Case): readonly string[] {
  if (one.encode === undefined) return []
  try {
    const written = toHex(dialect.encode(one.encode.message, one.encode.values))
    return written === one.hex ? [] : [`encode: expected ${one.hex}, found ${written}`]
  } catch (thrown) {
    if (thrown instanceof RangeError) return [`encode: ${thrown.message}`]
    throw thrown
  }
}

function describe(decoded: Decoded): string {
  switch (decoded.type) {
    case 'events':
      return decoded.events.map(event => event.type).join(', ')
    case 'part':
      return `${decoded.message}, a part`
    case 'ignored':
      return `${decoded.message}, ignored`
    case 'sensitive':
      return `${decoded.message}, dropped for what it holds`
    case 'rejected':
      return `a rejection: ${decoded.issues.join('; ')}`
  }
}
