import { type Clock, rfc3339, systemClock } from '../../gateway/core/clock.js'
import { silentLogger } from '../../gateway/core/log.js'
import { systemRandom } from '../../gateway/core/random.js'
import { type CommandSink, Downlink } from '../../gateway/downlink/downlink.js'
import type { Journal } from '../../gateway/journal/journal.js'
import { signJws } from '../../gateway/security/jws.js'
import { signingKeyOf } from '../../gateway/security/signature.js'
import {
  type CommandReport,
  type CommandRequest,
  decodeReport,
  encodeRequest,
} from '../../gateway/wire/command.js'
import { DEFAULT_TOPIC_ROOT, topicsUnder } from '../../gateway/wire/topics.js'
import { HandConnection } from '../support/hand-connection.js'
import { NOON_MS, STORE, TILL } from '../support/sample.js'

export const HQ_KEY = signingKeyOf(Buffer.alloc(32, 1))
export const TOPICS = topicsUnder(DEFAULT_TOPIC_ROOT)

/** A request as HQ makes them, issued at `atMs` for a minute. */
export function requestOf(
  id: string,
  changes: Partial<CommandRequest> & { readonly atMs?: number } = {},
): CommandRequest {
  const { atMs = NOON_MS, ...rest } = changes
  return {
    v: 1,
    id,
    issuer: 'alice',
    issuedAt: rfc3339(atMs, 'UTC'),
    expiresAt: rfc3339(atMs + 60_000, 'UTC'),
    store: STORE,
    target: TILL,
    verb: 'displayText',
    arguments: { text: 'hello' },
    ...rest,
  }
}

export function signed(request: CommandRequest, key = HQ_KEY): Uint8Array {
  return Buffer.from(signJws(encodeRequest(request), key))
}

/** A gateway's downlink, and the broker in the test's hand. */
export interface TestDownlink {
  readonly downlink: Downlink
  readonly connection: HandConnection
  /** The ids that were told to be in doubt, as often as that was another set. */
  readonly doubts: (readonly string[])[]
  readonly denied: { readonly reason: string; readonly detail: string }[]
  send(request: CommandRequest): Promise<void>
  /** What was said about a command, in order. */
  reports(id: string): readonly CommandReport[]
}

export async function openDownlink(options: {
  readonly journal: Journal
  readonly sink: CommandSink
  readonly clock?: Clock
  readonly isSure?: () => boolean
}): Promise<TestDownlink> {
  const { journal, sink, clock = systemClock, isSure = () => true } = options
  const connection = new HandConnection()
  const doubts: (readonly string[])[] = []
  const denied: { readonly reason: string; readonly detail: string }[] = []
  const downlink = await Downlink.open({
    store: STORE,
    topics: TOPICS,
    keys: [HQ_KEY.publicKey],
    journal,
    connection,
    sink,
    deny: denial => denied.push(denial),
    onDoubt: open => doubts.push(open.map(({ id }) => id)),
    timeZone: 'UTC',
    clock,
    random: systemRandom,
    clockState: () => (isSure() ? 'synced' : 'unsure'),
    logger: silentLogger,
  })
  downlink.start()
  return {
    downlink,
    connection,
    doubts,
    denied,
    send: request =>
      connection.deliver({ topic: TOPICS.command(STORE, request.id), payload: signed(request) }),
    reports: id =>
      connection.published
        .filter(({ topic }) => topic === TOPICS.outcome(STORE, id))
        .map(({ payload }) => {
          const report = decodeReport(Buffer.from(payload))
          if (!report.ok) throw new Error(report.error)
          return report.value
        }),
  }
}

/** Carries out what a test says, and remembers how often. */
export function countingSink(
  run: CommandSink['run'] = async () => ({ type: 'successful', values: {} }),
  more: Partial<CommandSink> = {},
): CommandSink & { readonly runs: Map<string, number> } {
  const runs = new Map<string, number>()
  return {
    runs,
    changes: () => true,
    isMoney: () => false,
    run: (request, context) => {
      runs.set(request.id, (runs.get(request.id) ?? 0) + 1)
      return run(request, context)
    },
    ask: async () => ({ type: 'failed', reason: 'unknown', detail: 'nobody knows' }),
    ...more,
  }
}
