/**
 * Every error an operator can meet: its code, what it means, and what to do about it.
 * Codes are stable; runbooks and alert rules may match on them.
 */
export const ERRORS = {
  TB_CONFIG_INVALID: 'Mend the configuration at the line named, then start again.',
  TB_CONFIG_UNREADABLE: 'Check the path and that this user may read the file.',
  TB_PROFILE_INVALID: 'Mend the profile at the line named; `tillbridge profile test` checks it.',
  TB_PROFILE_UNKNOWN: 'Name a profile that `tillbridge profile list` shows.',
  TB_PROFILE_UNPROVEN:
    'Mend what `tillbridge profile test` names; or name the profile in `profilesUnproven`.',
  TB_FIRMWARE_UNKNOWN:
    'No dialect covers this firmware, so nothing is guessed. Add the range to the profile.',
  TB_ADDRESS_UNKNOWN:
    'Write an address that the device can have, or none where it has its line for itself.',
  TB_KEY_UNUSED: 'Only a BTHome sensor has a key. Remove it, or name the profile that has one.',
  TB_BUS_SETTINGS:
    'One line has one speed. Set the devices alike and write `baudRate` and the rest at the bus.',
  TB_JOURNAL_LOCKED:
    'Another tillbridge runs on this data directory. Stop it, or give this one its own `dataDir`.',
  TB_JOURNAL_UNREADABLE:
    'What is there is no journal, or could not be recovered. Keep it, and see docs/reliability.md.',
  TB_JOURNAL_FORMAT:
    'A newer tillbridge wrote this journal. Start that version, or one version older at most.',
  TB_JOURNAL_WRITE:
    'The disk refused a write. Free space or replace the card; terminals are told to wait.',
  TB_JOURNAL_FULL:
    'The disk or `journal.quota` is used up. Free space or raise it; selling goes on by itself.',
  TB_JOURNAL_LOW:
    'The room left is kept for money; other facts are counted, not kept. Free space, call HQ back.',
  TB_JOURNAL_CLOSED: 'The gateway is stopping. The terminal repeats its message after the restart.',
  TB_DATA_FORBIDDEN:
    'This user may not write the data directory. Give it to the user (chown), or use another. ' +
    'A read-only file system (EROFS) is a card that failed: see `dmesg`, and replace it.',
  TB_EVENT_INVALID: 'The dialect made an event that breaks its schema: mend the dialect.',
  TB_EVENT_TOO_LARGE: 'The event exceeds the limit: check the framing of the dialect.',
  TB_LINE_UNAVAILABLE:
    'The port or address cannot be opened. Check cable, power and path. `run` tries again.',
  TB_LINE_PERMISSION:
    'This user may not open the port. Add it to the group `dialout` and log in again.',
  TB_LINE_BUSY: 'Another program holds the port. `tillbridge doctor` names it.',
  TB_LINE_CLOSED: 'The line is gone. Check cable and power. `run` opens it again and repeats.',
  TB_LINE_RADIO:
    'Bluetooth itself is not there: `tillbridge doctor` names adapter, BlueZ or D-Bus.',
  TB_LINE_PAIRING: 'The terminal refused to pair. Put it into pairing mode and check `pairing`.',
  TB_LINE_SETTINGS: 'The adapter does not support these line settings. Check the `line` section.',
  TB_MQTT_UNREACHABLE: 'The broker cannot be reached. Check address, port, firewall; retried.',
  TB_MQTT_REFUSED: 'The broker refused the credentials. Check user name, password, certificate.',
  TB_MQTT_TLS: 'TLS failed. Check the CA file, the host name in the certificate, and the clock.',
  TB_MQTT_TAKEN_OVER:
    'Another client has the same client id: two gateways of one store, or two `hq` of one name.',
  TB_ENROL_AUTHORITY:
    'Check the folder of `--authority`: authority.key, public/authority.pem (docs/hq.md, Stores).',
  TB_MQTT_DENIED: "The broker's access rules forbid this topic. See docs/hq.md, access rules.",
  TB_MQTT_TOO_LARGE:
    'The broker takes no packet of this size. Raise its limit (mosquitto: `max_packet_size`).',
  TB_MQTT_CLOSED: 'The connection was lost before the broker answered; sent again on return.',
  TB_BATCH_INVALID: 'A batch did not parse or verify. The receiver kept it out; see its log.',
  TB_LEDGER_LOCKED:
    'Another `tillbridge hq` runs on this ledger. Stop it, or use its own `--data`.',
  TB_LEDGER_UNREADABLE:
    'The ledger did not open or verify. Keep the directory as it is, copy it, and see docs/hq.md.',
  TB_LEDGER_WRITE:
    "The ledger's disk or database refused a write; no receipt was sent. Free space.",
  TB_BACKUP_FILE:
    'See the reason. A backup is written to a new file, and restored where none of its files is.',
  TB_BACKUP_UNKNOWN: 'Name a backup that `tillbridge hq backup list` shows.',
  TB_LEDGER_UNREACHABLE:
    'The database of the ledger cannot be reached. Check that it runs, its address and its TLS.',
  TB_LEDGER_REFUSED:
    'The database refused the user. Check user, password (`--ledger-password-file`) and database.',
  TB_LEDGER_FORBIDDEN:
    'This user may not make tables there. Let it own the database, or GRANT CREATE ON DATABASE.',
  TB_LEDGER_UNSUITABLE: 'This database would not keep what it confirms. Mend what is named.',
  TB_LEDGER_FORMAT:
    'No tillbridge of this version wrote this ledger. Start the newer one, or name its database.',
  TB_QUERY_SOCKET:
    'HQ cannot answer `hq export` there. Use a shorter `--data`, on a disk that has sockets.',
  TB_BROKER_LISTEN: 'The address is in use or forbidden. Choose another `broker.listen`.',
  TB_METRICS_LISTEN: 'The port is in use or forbidden. Choose another `metrics.port`.',
  TB_BROKER_TLS:
    'Check `broker.tls`: a PEM certificate, the key that belongs to it, and the authority.',
  TB_UPDATE_UNFIT:
    'This version does not sell: the one before takes its place. See deploy/README.md, updates.',
  TB_PTY_UNAVAILABLE: 'This system gave no pseudo-terminal. /dev/ptmx and /dev/pts must exist.',
  TB_INTERNAL: 'A defect in tillbridge. Please report it with the log lines around it.',
} as const satisfies Record<string, string>

export type ErrorCode = keyof typeof ERRORS

export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERRORS, text)
}

/**
 * An expected failure that must leave a function by exception; `advice` tells the operator what to
 * do.
 */
export class TillbridgeError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options)
    this.name = 'TillbridgeError'
    this.code = code
  }

  get advice(): string {
    return ERRORS[this.code]
  }
}

/** The text of whatever was thrown, for logs and reasons. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}

/** The system error code (`ENOENT`, `LEVEL_LOCKED` …) of whatever was thrown, where it has one. */
export function systemCodeOf(thrown: unknown): string | undefined {
  if (typeof thrown !== 'object' || thrown === null || !('code' in thrown)) return undefined
  return typeof thrown.code === 'string' ? thrown.code : undefined
}
