import type { MonotonicMs } from '../../core/clock.js'

/** Bytes as one read gave them, and when. Chunk borders mean nothing. */
export interface Chunk {
  readonly bytes: Uint8Array
  readonly atMs: MonotonicMs
  /** Of several senders on this line this one is done: what follows is another's. */
  readonly endsSender?: true
}

/**
 * An open line. Iterating yields what arrives and ends when the line is closed by us; it throws a
 * TillbridgeError (TB_LINE_CLOSED) when the line is lost. One reader at a time.
 */
export interface Connection extends AsyncIterable<Chunk> {
  /**
   * Resolves when the bytes are handed to the device. @throws TB_LINE_CLOSED; nothing stays
   * queued. `replyWithinMs`: it is a request; on a line of several terminals it waits for its
   * turn, which ends with `release`, or so long after the bytes went out.
   */
  write(bytes: Uint8Array, replyWithinMs?: number): Promise<void>
  /** The answer is in: another terminal may be asked. Absent: the line is one's own. */
  release?(): void
  /** Drops what has arrived and was not read yet, where the line can. */
  flush?(): void
  /** What the terminal said of its firmware when the line opened, where the line asks for it. */
  readonly firmware?: string | undefined
  /** Idempotent; resolves when the port or socket is released. */
  close(): Promise<void>
}

/** A way to reach a terminal: a serial port, a TCP address. Retrying is the caller's. */
export interface Transport {
  /** For status and logs: `/dev/ttyUSB0`, `10.0.0.7:20007`. */
  readonly address: string
  /** How strong a radio terminal was heard last, in dBm. */
  readonly rssiDbm?: number | undefined
  /**
   * @throws TillbridgeError TB_LINE_UNAVAILABLE, TB_LINE_PERMISSION, TB_LINE_BUSY,
   * TB_LINE_SETTINGS, TB_LINE_RADIO, TB_LINE_PAIRING
   */
  connect(signal: AbortSignal): Promise<Connection>
}
