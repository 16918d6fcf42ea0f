import { createHash } from 'node:crypto'
import type { ShopConfig } from '../config/schema.js'
import { rfc3339, systemClock } from '../core/clock.js'
import { terminalId } from '../core/ids.js'
import type { AlarmLog } from '../diagnostics/alarm-log.js'
import type { Downlink } from '../downlink/downlink.js'
import { decodeEvent, type EventOf } from '../event/event.js'
import type { Journal } from '../journal/journal.js'
import type { CommandRequest } from '../wire/command.js'

/** A customer waits: what could not be begun within is not begun behind his back. */
const BEGIN_WITHIN_MS = 15_000

/**
 * A till's receipt with a tender that a rule names is asked of a payment terminal, once for each
 * tender of each sale: the id of the command follows from the sale's. What is not taken is an alarm
 * until the next one is. Returns the way to stop.
 */
export function followPaymentRules(rooms: {
  readonly rules: ShopConfig['payments']
  readonly journal: Journal
  readonly downlink: Pick<Downlink, 'order'>
  readonly alarms: Pick<AlarmLog, 'raise' | 'clear'>
}): () => void {
  const { rules, journal, downlink, alarms } = rooms
  const ask = async (sale: EventOf<'sale.completed'>, request: CommandRequest): Promise<void> => {
    const obstacle = await downlink.order(request)
    if (obstacle === undefined) return alarms.clear('payment-not-asked')
    const { receiptNumber } = sale.data
    const what = `receipt ${receiptNumber} of ${sale.terminal} was not asked of ${request.target}`
    alarms.raise('payment-not-asked', `${what}: ${obstacle}`)
  }
  return journal.onAppended(records => {
    for (const { header, body } of records) {
      const isSale = header.type === 'sale.completed' && body.type === 'event'
      const event = isSale ? decodeEvent(body.bytes) : undefined
      if (!event?.ok || event.value.type !== 'sale.completed') continue
      for (const request of requestsOf(rules, event.value)) void ask(event.value, request)
    }
  })
}

function requestsOf(
  rules: ShopConfig['payments'],
  sale: EventOf<'sale.completed'>,
): readonly CommandRequest[] {
  const { data, store, terminal, source, id } = sale
  if (data.training === true || data.reprint === true || sale.possiblerepeat === true) return []
  const nowMs = systemClock.wallMs()
  return rules.flatMap(rule =>
    data.tenders.flatMap((tender, index) => {
      const isMeant =
        rule.from === terminal && rule.tender === tender.type && rule.currency === data.currency
      if (!isMeant || tender.amountMinor <= 0) return []
      const key = JSON.stringify([source, id, index, rule.terminal])
      const digest = createHash('sha256').update(key).digest('hex')
      return [
        {
          v: 1 as const,
          id: `rule-${digest.slice(0, 32)}`,
          issuer: `rule of ${terminal}`,
          issuedAt: rfc3339(nowMs, 'UTC'),
          expiresAt: rfc3339(nowMs + BEGIN_WITHIN_MS, 'UTC'),
          store,
          target: terminalId(rule.terminal),
          verb: 'authorise',
          arguments: { amountMinor: tender.amountMinor },
        },
      ]
    }),
  )
}
