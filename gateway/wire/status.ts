import { z } from 'zod'
import type { StoreId } from '../core/ids.js'
import type { Result } from '../core/result.js'
import { decodeJson } from '../core/schema.js'
import { documentKind } from '../event/document.js'
import { alarmName } from '../event/gateway-alarm.js'

const terminalStatus = z.strictObject({
  terminal: z.string(),
  profile: z.string(),
  /**
   * `opening`: trying; `connected`: the line is open; `lost`: it was, and is being retried;
   * `silent`: it is open, and the terminal answers nothing that it is asked; `garbled`: what
   * comes makes no sense (speed, parity, cable); `babbling`: so much of it comes without end.
   */
  state: z.enum(['opening', 'connected', 'lost', 'silent', 'garbled', 'babbling', 'stopped']),
  /** Why it is not connected, or what is wrong with what it says. */
  reason: z.string().exactOptional(),
  address: z.string(),
  /** How strong a radio terminal was heard last. */
  rssiDbm: z.int().exactOptional(),
  framesTotal: z.int(),
  eventsTotal: z.int(),
  rejectedTotal: z.int(),
  discardedBytes: z.int(),
  /** Frames answered NAK for their checksum. */
  nakTotal: z.int(),
  /** Bursts of bytes that made no frame; messages said once more. A dying cable shows here. */
  burstTotal: z.int(),
  repeatTotal: z.int(),
  /** Requests that were not answered in time. */
  timeoutTotal: z.int(),
})

/** A line that several terminals share. */
const busStatus = z.strictObject({
  bus: z.string(),
  address: z.string(),
  /** `babbling`: bytes come in nobody's turn, and go on coming. */
  state: z.enum(['opening', 'open', 'lost', 'babbling']),
  reason: z.string().exactOptional(),
  strayBytes: z.int(),
  members: z.array(
    z.strictObject({
      terminal: z.string(),
      turnsTotal: z.int(),
      /** Turns without an answer; of those the ones in which bytes came all the same. */
      unansweredTotal: z.int(),
      collisionsTotal: z.int(),
      /** Bytes that came right behind an unanswered turn. */
      lateBytes: z.int(),
    }),
  ),
})

/** HQ's commands since the start; absent where the shop pins no key of HQ. */
const commandStatus = z.strictObject({
  /** For a command that is older than this start of the gateway, or while the clock is unsure. */
  challenge: z.string(),
  accepted: z.int(),
  successful: z.int(),
  failed: z.int(),
  /** Heard again, and answered again. */
  repeated: z.int(),
  /** Came too late. */
  expired: z.int(),
  /** To be signed again, with the challenge. */
  challenged: z.int(),
  /** Forged, of another store, or another command under a known id. */
  denied: z.int(),
  /** What may move money and is not through, or of which nobody can say yet what became of it. */
  open: z.array(
    z.strictObject({
      id: z.string(),
      target: z.string(),
      verb: z.string(),
      since: z.string(),
      amountMinor: z.int().exactOptional(),
      /** `unknown`: the terminal is asked, or cannot be; `payment-resolve` ends it. */
      state: z.enum(['running', 'unknown']),
    }),
  ),
})

export type CommandStatus = z.infer<typeof commandStatus>

/** HQ's documents; absent where the shop pins no key of HQ. */
const documentsStatus = z.strictObject({
  /** Forged, of another store, too large, or older than what is there. */
  denied: z.int(),
  documents: z.array(
    z.strictObject({
      document: z.string(),
      kind: documentKind,
      /** In use; absent before the first one is whole. */
      version: z.int().exactOptional(),
      /** The newest, where it is another: how many of its chunks are there. */
      next: z
        .strictObject({ version: z.int(), received: z.int(), chunks: z.int() })
        .exactOptional(),
      /** Why the newest is not used. */
      refusal: z.string().exactOptional(),
      /** Terminals that have not applied the version in use yet. */
      pending: z.array(z.string()),
    }),
  ),
})

export type DocumentsStatus = z.infer<typeof documentsStatus>

const onlineStatus = z.strictObject({
  v: z.literal(1),
  online: z.literal(true),
  store: z.string(),
  software: z.string(),
  mode: z.enum(['ledger', 'direct']),
  startedAt: z.iso.datetime({ offset: true }),
  epoch: z.string(),
  clock: z.enum(['synced', 'unsure']),
  /** What it was wrong by, last; absent where it was right since the start. */
  clockCorrected: z
    .strictObject({
      time: z.string(),
      offsetMs: z.int(),
      cause: z.enum(['synced', 'stepped']),
    })
    .exactOptional(),
  /**
   * Records in the journal, those without a receipt yet, and when the oldest of them was captured;
   * what they take up on the disk and may take up at most; and how long the room lasts at the rate
   * of the last hours, 10 000 h at most, absent before that is known.
   */
  journal: z.strictObject({
    records: z.int(),
    backlog: z.int(),
    oldestUnconfirmed: z.string().exactOptional(),
    bytes: z.int(),
    quotaBytes: z.int(),
    autonomyHours: z.int().min(0).exactOptional(),
  }),
  /** Is each record on two media before it is acknowledged, and if it should but is not: why. */
  copies: z.strictObject({
    state: z.enum(['off', 'both', 'single-copy']),
    reason: z.string().exactOptional(),
  }),
  /** Is HQ reached, and if not or not fully: why. */
  uplink: z.strictObject({
    state: z.enum(['offline', 'connecting', 'online', 'denied']),
    reason: z.string().exactOptional(),
  }),
  /**
   * How confirmed records are kept: by HQ's `safe` mark, or by time: HQ reports none, or
   * there is no HQ that could (`direct`).
   */
  retention: z.enum(['safe', 'days', 'direct']),
  /** What someone has to look at: since when, and why. */
  alarms: z.array(z.strictObject({ alarm: alarmName, since: z.string(), reason: z.string() })),
  commands: commandStatus.exactOptional(),
  documents: documentsStatus.exactOptional(),
  terminals: z.array(terminalStatus),
  buses: z.array(busStatus).exactOptional(),
})

const offlineStatus = z.strictObject({
  v: z.literal(1),
  online: z.literal(false),
  store: z.string(),
})

const statusSchema = z.discriminatedUnion('online', [onlineStatus, offlineStatus])

export type StoreStatus = z.infer<typeof onlineStatus>
export type UplinkStatus = StoreStatus['uplink']

export function encodeStatus(status: z.infer<typeof statusSchema>): string {
  return JSON.stringify(status)
}

/** What the broker publishes for a store whose connection ends without a farewell. */
export function offlineWill(store: StoreId): string {
  return encodeStatus({ v: 1, online: false, store })
}

export function decodeStatus(payload: Uint8Array): Result<z.infer<typeof statusSchema>, string> {
  return decodeJson(statusSchema, payload)
}
