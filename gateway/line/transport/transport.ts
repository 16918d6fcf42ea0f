import type { MonotonicMs } from '../../core/clock.js'

/** Bytes as one read gave them, and when. Chunk borders mean nothing. */
export interface Chunk {
  readonly bytes: Uint8Array
  readonly atMs: MonotonicMs
}

/**
 * An open line. Iterating yields what arrives and ends when the line is closed by us; it throws a
 * TillbridgeError (TB_LINE_CLOSED) when the line is lost. One reader at a time.
 */
export interface Connection extends AsyncIterable<Chunk> {
  /**
   * Resolves when the bytes are handed to the device. @throws TB_LINE_CLOSED; nothing stays queued.
   */
  write(bytes: Uint8Array): Promise<void>
  /** Idempotent; resolves when the port or socket is released. */
  close(): Promise<void>
}

/** A way to reach a terminal: a serial port, a TCP address. Retrying is the caller's. */
export interface Transport {
  /** For status and logs: `/dev/ttyUSB0`, `10.0.0.7:20007`. */
  readonly address: string
  /**
   * @throws TillbridgeError TB_LINE_UNAVAILABLE, TB_LINE_PERMISSION, TB_LINE_BUSY, TB_LINE_SETTINGS
   */
  connect(signal: AbortSignal): Promise<Connection>
}
