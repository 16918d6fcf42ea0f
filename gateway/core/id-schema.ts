import { z } from 'zod'
import { deviceId, epochId, eventId, ID_PATTERNS, ledgerId, storeId, terminalId } from './ids.js'

/** Ids as they come from outside: text that follows the rule of its id, branded when it passed. */
export const storeIdSchema = z.string().regex(ID_PATTERNS.store).transform(storeId)
export const deviceIdSchema = z.string().regex(ID_PATTERNS.device).transform(deviceId)
export const terminalIdSchema = z.string().regex(ID_PATTERNS.terminal).transform(terminalId)
export const eventIdSchema = z.string().regex(ID_PATTERNS.event).transform(eventId)
export const epochIdSchema = z.string().regex(ID_PATTERNS.epoch).transform(epochId)
export const ledgerIdSchema = z.string().regex(ID_PATTERNS.ledger).transform(ledgerId)
