import type { LineConfig } from '../../config/line.js'
import { fail, ok, type Result } from '../../core/result.js'
import type { LineSettings } from '../../profile/dialect.js'

const PARITIES = { N: 'none', E: 'even', O: 'odd' } as const

/** `9600` and `8N1`. */
export function settingsIn(flags: {
  readonly baud: string
  readonly mode: string
}): Result<LineSettings, string> {
  const baudRate = Number(flags.baud)
  if (!Number.isInteger(baudRate) || baudRate < 50 || baudRate > 4_000_000)
    return fail('--baud: expected a baud rate; write --baud 9600')
  const [, data, parity, stop] = /^([78])([NEO])([12])$/i.exec(flags.mode) ?? []
  const key = parity?.toUpperCase()
  if (key !== 'N' && key !== 'E' && key !== 'O')
    return fail('--mode: expected data bits, parity and stop bits; write --mode 8N1')
  return ok({
    baudRate,
    dataBits: data === '7' ? 7 : 8,
    parity: PARITIES[key],
    stopBits: stop === '2' ? 2 : 1,
  })
}

/** A serial port by its path, a network line as `host:port`. */
export function lineIn(text: string): LineConfig | undefined {
  if (text.startsWith('/')) return { type: 'serial', path: text }
  const [, host, port] = /^\[?([^\s/]+?)\]?:(\d{1,5})$/.exec(text) ?? []
  return host === undefined ? undefined : { type: 'tcp', host, port: Number(port) }
}

const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const

/** `60s`, `5m`, `1h`; undefined where it is none. */
export function durationMs(text: string): number | undefined {
  const [, number, unit] = /^(\d{1,6})(ms|s|m|h)$/.exec(text) ?? []
  if (unit !== 'ms' && unit !== 's' && unit !== 'm' && unit !== 'h') return undefined
  return Number(number) * UNITS[unit]
}
