import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { systemClock } from '../../gateway/core/clock.js'
import type { StoreId } from '../../gateway/core/ids.js'
import { type Logger, silentLogger } from '../../gateway/core/log.js'
import { systemRandom } from '../../gateway/core/random.js'
import { HqServer } from '../../gateway/hq/hq-server.js'
import type { Ledger, LedgerRow } from '../../gateway/hq/ledger.js'
import { openLedgerDatabase, openLevelLedger } from '../../gateway/hq/level-ledger.js'
import type { Journal } from '../../gateway/journal/journal.js'
import type { MqttConnection } from '../../gateway/mqtt/connection.js'
import { statusWill, Uplink, type UplinkOptions } from '../../gateway/uplink/uplink.js'
import { topicsUnder } from '../../gateway/wire/topics.js'
import { journalIn } from '../journal/open.js'
import { connectTo } from './mqtt.js'
import { STORE, sale } from './sample.js'

export const TOPICS = topicsUnder('tb')

const TOOLS = { clock: systemClock, random: systemRandom, logger: silentLogger } as const

/** A directory of its own that goes with the test; `t.testdir` is one for a whole test. */
export function freshDirectory(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'tillbridge-test-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

export async function openLedger(directory: string): Promise<Ledger> {
  return openLevelLedger({ database: await openLedgerDatabase(directory), ...TOOLS })
}

/** A shop's journal and uplink on a broker's port; all of it ends with the test. */
export async function openShop(
  t: Test,
  options: {
    readonly port: number
    readonly directory?: string
    readonly mode?: 'ledger' | 'direct'
    readonly protocol?: '5' | '3.1.1'
    readonly helloEpochs?: number
    readonly patience?: UplinkOptions['patience']
    readonly connectMs?: number
    readonly pubackMs?: number
    readonly logger?: Logger
    /** What stands between the uplink and the journal. */
    readonly flaw?: (journal: Journal) => Journal
  },
) {
  const { port, mode = 'ledger', protocol = '5', directory = freshDirectory(t) } = options
  const { logger = silentLogger, flaw = same => same, connectMs, pubackMs } = options
  const journal = await journalIn(directory)
  const will = statusWill({ topics: TOPICS, store: STORE })
  const connection = connectTo({ port, protocol, will, connectMs, pubackMs, clientId: STORE })
  const uplink = new Uplink({
    ...TOOLS,
    logger,
    mode,
    store: STORE,
    topics: TOPICS,
    software: 'test',
    journal: flaw(journal),
    connection,
    patience: options.patience ?? {},
    retry: { firstMs: 20, maxMs: 100 },
    ...(options.helloEpochs === undefined ? {} : { helloEpochs: options.helloEpochs }),
  })
  uplink.start()
  connection.start()
  let isClosed = false
  const close = async (): Promise<void> => {
    if (isClosed) return
    isClosed = true
    await uplink.stop(500)
    await connection.stop(500)
    await journal.close()
  }
  t.teardown(close)
  return { journal, connection, uplink, close }
}

/** HQ's receiver and fan-out over a ledger, which the last one closes that was opened on it. */
export function openHq(
  t: Test,
  options: {
    readonly port: number
    readonly ledger: Ledger
    readonly protocol?: '5' | '3.1.1'
    readonly logger?: Logger
    /** What stands between HQ and the broker. */
    readonly flaw?: (connection: MqttConnection) => MqttConnection
  },
) {
  const { port, ledger, protocol = '5', logger = silentLogger, flaw = same => same } = options
  const connection = connectTo({ port, protocol })
  const hq = new HqServer({
    ...TOOLS,
    logger,
    ledger,
    connection: flaw(connection),
    topics: TOPICS,
  })
  const users = openLedgers.get(ledger) ?? 0
  openLedgers.set(ledger, users + 1)
  hq.start()
  connection.start()
  let isClosed = false
  const close = async (): Promise<void> => {
    if (isClosed) return
    isClosed = true
    await Promise.all([hq.stop(), connection.stop(500)])
    const others = (openLedgers.get(ledger) ?? 1) - 1
    openLedgers.set(ledger, others)
    if (others === 0) await ledger.close()
  }
  t.teardown(close)
  return { hq, connection, close }
}

const openLedgers = new WeakMap<Ledger, number>()

/** Journals sales with these numbers, one append each. */
export async function sell(journal: Journal, numbers: readonly number[]): Promise<void> {
  await Promise.all(numbers.map(number => journal.append([sale({ number })])))
}

export function upTo(last: number, first = 1): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
}

export async function allRows(ledger: Ledger): Promise<readonly LedgerRow[]> {
  return ledger.rows(0, 100_000)
}

/** Receipt numbers of the sales that stand in the ledger as events, ascending. */
export async function soldIn(ledger: Ledger, store: StoreId = STORE): Promise<readonly number[]> {
  return (await allRows(ledger))
    .filter(row => row.store === store && row.kind === 'event')
    .filter(row => row.header.type === 'sale.completed' && row.event !== undefined)
    .map(row => receiptNumberOf(row.event))
    .sort((left, right) => left - right)
}

/** The receipt number in the bytes of a sale. */
export function receiptNumberOf(bytes: Uint8Array | undefined): number {
  const text = Buffer.from(bytes ?? []).toString('utf8')
  return Number(/"receiptNumber":"(\d+)"/.exec(text)?.[1])
}
