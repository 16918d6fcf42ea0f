import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What a UART itself has counted since the system started. */
export interface UartCounters {
  readonly sentBytes: number
  readonly heardBytes: number
  /** A byte without its stop bit, with wrong parity, one that came too soon; lines held low. */
  readonly framingErrors: number
  readonly parityErrors: number
  readonly overruns: number
  readonly breaks: number
}

/**
 * Of a port that the kernel's serial core drives (ttyS, ttyAMA …), where it tells us: to root
 * alone. USB adapters and pseudo-terminals have none.
 */
export async function readUartCounters(
  root: string,
  port: string,
): Promise<UartCounters | undefined> {
  const [, kind, number] = /^(tty[A-Za-z]+)(\d+)$/.exec(port) ?? []
  if (kind === undefined || number === undefined) return undefined
  // serial_core names the file as the driver names itself: 8250's is called `serial`.
  const file = kind === 'ttyS' ? 'serial' : kind
  const text = await readFile(join(root, 'proc/tty/driver', file), 'utf8').catch(() => '')
  const line = text.split('\n').find(one => one.startsWith(`${number}:`)) ?? ''
  const count = (name: string): number | undefined => {
    const found = new RegExp(`\\b${name}:(\\d+)`).exec(line)?.[1]
    return found === undefined ? undefined : Number(found)
  }
  const [sentBytes, heardBytes] = [count('tx'), count('rx')]
  if (sentBytes === undefined || heardBytes === undefined) return undefined
  return {
    sentBytes,
    heardBytes,
    // Those that are none are left out.
    framingErrors: count('fe') ?? 0,
    parityErrors: count('pe') ?? 0,
    overruns: count('oe') ?? 0,
    breaks: count('brk') ?? 0,
  }
}
