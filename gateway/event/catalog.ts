import { accessTypes } from './access-denied.js'
import { clockTypes } from './clock-corrected.js'
import { codeTypes } from './code-scanned.js'
import { documentTypes } from './document.js'
import { conflictTypes } from './event-conflict.js'
import { summaryTypes } from './event-summarised.js'
import { frameTypes } from './frame-rejected.js'
import { alarmTypes } from './gateway-alarm.js'
import { commandTypes } from './gateway-command.js'
import { gatewayTypes } from './gateway-state.js'
import { goodsTypes } from './goods-weighed.js'
import { journalTypes } from './journal-records.js'
import { paymentTypes } from './payment.js'
import { resolutionTypes } from './payment-resolved.js'
import { settlementTypes } from './payment-settled.js'
import { readingTypes } from './reading-taken.js'
import { receiptTypes } from './receipt-captured.js'
import { saleTypes } from './sale.js'
import { terminalTypes } from './terminal-state.js'
import { vendingTypes } from './vending-audited.js'

/** Every event type there is. A new one is a file beside this and a line here. */
export const EVENT_CATALOG = {
  ...saleTypes,
  ...paymentTypes,
  ...settlementTypes,
  ...resolutionTypes,
  ...codeTypes,
  ...goodsTypes,
  ...readingTypes,
  ...vendingTypes,
  ...receiptTypes,
  ...terminalTypes,
  ...frameTypes,
  ...gatewayTypes,
  ...commandTypes,
  ...accessTypes,
  ...documentTypes,
  ...conflictTypes,
  ...summaryTypes,
  ...alarmTypes,
  ...clockTypes,
  ...journalTypes,
} as const

export type EventType = keyof typeof EVENT_CATALOG

export function isEventType(text: string): text is EventType {
  return Object.hasOwn(EVENT_CATALOG, text)
}
