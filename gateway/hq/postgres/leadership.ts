import type { PoolClient } from 'pg'
import { z } from 'zod'
import type { Clock } from '../../core/clock.js'
import { LIMITS } from '../../core/limits.js'
import type { Leadership } from '../ledger.js'
import { type Connections, lockKey } from './connections.js'

const taken = z.tuple([z.object({ taken: z.boolean() })])

/**
 * Leadership is a lock of a session, which PostgreSQL gives to another when that session ends: at
 * once with the process, and after a while of silence where it froze or was cut off.
 */
export async function takeLeadership(
  connections: Connections,
  clock: Clock,
): Promise<Leadership | undefined> {
  const connection = await connections.connect()
  const held = new HeldLeadership(connection, clock)
  try {
    const { rows } = await connection.query(
      `SELECT pg_try_advisory_lock(${lockKey('leader')}) AS taken`,
    )
    if (taken.parse(rows)[0].taken) {
      await connection.query(`SET idle_session_timeout = ${LIMITS.ledgerIdleMs}`)
      void held.keep()
      return held
    }
  } catch (thrown) {
    held.end()
    throw thrown
  }
  held.end()
  return undefined
}

class HeldLeadership implements Leadership {
  readonly #connection: PoolClient
  readonly #clock: Clock
  readonly #lost = new AbortController()
  #isOver = false

  constructor(connection: PoolClient, clock: Clock) {
    this.#connection = connection
    this.#clock = clock
    connection.on('error', this.#onGone)
    connection.on('end', this.#onGone)
  }

  get lost(): AbortSignal {
    return this.#lost.signal
  }

  async resign(): Promise<void> {
    if (this.#isOver) return
    try {
      await this.#connection.query(`SELECT pg_advisory_unlock(${lockKey('leader')})`)
    } catch {
      // The session is gone, and the lock with it.
    }
    this.end()
  }

  /** Shows PostgreSQL that we are alive, and finds out whether it is. */
  async keep(): Promise<void> {
    const { signal } = this.#lost
    for (;;) {
      await this.#clock.sleep(LIMITS.ledgerIdleMs / 3, signal)
      if (this.#isOver) return
      try {
        await this.#connection.query('SELECT 1')
      } catch {
        this.end()
      }
    }
  }

  /** The session's settings are its own, so the connection is not used again. */
  end(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#lost.abort()
    this.#connection.release(true)
  }

  readonly #onGone = (): void => this.end()
}
