const DAY_MS = 24 * 60 * 60_000

/** The part of LIMITS about how a gateway becomes a store's, and stays it. */
export const ENROL_LIMITS = {
  /** A request to be enrolled, signed; a longer one is none. */
  enrolRequestBytes: 4096,
  /** HQ's answer to it, with two certificates; a longer one is none. */
  enrolAnswerBytes: 32 * 1024,
  /** The newest records of a store: HQ looks at their receipt numbers, and says so. */
  accountRecords: 200_000,
  /** Requests that HQ looks at; more are said to be more, for a fleet credential may be stolen. */
  enrolRequests: 1000,
  /** What HQ's broker keeps and a command of HQ's looks at; silence that ends its patience. */
  deskBytes: 64 * 1024 * 1024,
  deskSilenceMs: 15_000,
  /** Time that the register of stores is waited for while another process changes it, and looks. */
  registerLockMs: 10_000,
  registerLookMs: 50,
  /** Time for which an activation code is of use; then the technician is told another. */
  activationCodeMs: 30 * DAY_MS,
  /** Nobody may have to act on it soon: a broker that finds its list too old takes nobody. */
  revocationsMs: 20 * 365 * DAY_MS,
  /** A clock that is behind HQ's finds a new certificate valid all the same. */
  certificateBackdatedMs: 60 * 60_000,
  /** Certificates of one store that count; a renewal is one more, once in half of a life. */
  certificatesAtOnce: 10,
  /** Certificates that a store is issued in `certificatesDayMs`; HQ renews no more of them. */
  certificatesADay: 3,
  certificatesDayMs: DAY_MS,
  /** Time between lines in the log of a gateway that waits for HQ's answer. */
  enrolRemindMs: 60_000,
  /** Time between its questions over one connection: a broker may have forgotten the last. */
  enrolAskMs: 10 * 60_000,
  /** Time between looks at the store's certificate, and between requests for a new one. */
  certificateLookMs: 60_000,
  certificateAskMs: 60 * 60_000,
  /** Time that a new certificate has to prove itself in a connection of its own. */
  certificateTrialMs: 30_000,
  /** Another gateway that is heard so often in that time rings. */
  secondGatewayTimes: 3,
  secondGatewayMs: 15 * 60_000,
} as const
