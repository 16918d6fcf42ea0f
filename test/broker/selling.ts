import { scryptSync } from 'node:crypto'
import type { Test } from 'tap'
import { type BrokerClient, LocalBroker } from '../../gateway/broker/local-broker.js'
import { systemClock } from '../../gateway/core/clock.js'
import { silentLogger } from '../../gateway/core/log.js'
import { systemRandom } from '../../gateway/core/random.js'
import { decodeEvent, type Event } from '../../gateway/event/event.js'
import type { Journal } from '../../gateway/journal/journal.js'
import { PublishLine } from '../../gateway/line/transport/publish-line.js'
import { framePublished, overMqtt } from '../../gateway/profile/over-mqtt.js'
import type { Ingest } from '../../gateway/terminal/ingest.js'
import { dialectOf, startSession } from '../terminal/shop.js'

export const TOPIC = 'shop/till-4/sale'
export const TILL = { username: 'till-4', password: 'secret' } as const

/** As `generic/cloud-events-till` has it. */
export function saleEvent(number: number, totalMinor = 400): string {
  return JSON.stringify({
    specversion: '1.0',
    id: `sale-${number}`,
    source: 'till-4',
    type: 'sale.completed',
    time: '2026-12-01T10:15:00+01:00',
    data: {
      receiptNumber: String(number),
      currency: 'EUR',
      lineItems: [{ lineNumber: 1, description: 'Coffee', quantity: '1', amountMinor: 400 }],
      tenders: [{ type: 'cash', amountMinor: totalMinor }],
      totalMinor,
      taxIncluded: true,
    },
  })
}

/** A thirtieth of the work of a real one. */
export const CHEAP_HASH = `scrypt$1024$8$3$c2FsdHNhbHQ=$${scryptSync(
  TILL.password,
  'saltsalt',
  32,
  {
    N: 1024,
    r: 8,
    p: 3,
  },
).toString('base64')}`

/** Of all epochs: a disk that failed begins a new one. */
export async function eventsOf(journal: Journal): Promise<readonly Event[]> {
  const slices = await Promise.all(
    journal
      .epochs()
      .map(({ epoch, last }) => journal.read({ epoch, first: 1, last, maxBytes: 1e9 })),
  )
  return slices
    .flatMap(({ records }) => records)
    .flatMap(({ body }) => (body.type === 'event' ? [decodeEvent(body.bytes)] : []))
    .flatMap(event => (event.ok ? [event.value] : []))
}

/** A broker whose client `till-4` is a terminal of a running gateway, over a real journal. */
export async function startSelling(
  t: Test,
  options: {
    readonly journal?: Journal
    readonly ingest?: (journal: Journal) => Ingest
    readonly others?: readonly BrokerClient[]
    readonly drainMs?: number
  } = {},
) {
  const line = new PublishLine({ address: TOPIC, clock: systemClock, frame: framePublished })
  const dialect = overMqtt(await dialectOf('generic/cloud-events-till', '1.0'))
  const { others = [], drainMs = 3000, ...rest } = options
  const session = await startSession(t, {
    profile: 'generic/cloud-events-till',
    terminal: 'till-4',
    transport: line,
    dialect,
    ...rest,
  })
  const broker = new LocalBroker({
    id: 'shop',
    listen: { host: '127.0.0.1', port: 0 },
    clients: [
      {
        username: TILL.username,
        passwordHash: CHEAP_HASH,
        rules: { read: ['#'], write: ['notes/#'] },
        inboxes: new Map([[TOPIC, line]]),
      },
      ...others,
    ],
    drainMs,
    logger: silentLogger,
    random: systemRandom,
  })
  await broker.start()
  t.teardown(() => broker.stop())
  const events = async (type: string) =>
    (await eventsOf(session.journal)).filter(event => event.type === type)
  return { ...session, broker, port: broker.address?.port ?? 0, events }
}
