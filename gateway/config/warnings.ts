import { isIPv4 } from 'node:net'
import type { ShopConfig } from './schema.js'

/** What is allowed and yet hardly meant; each line names its key and what to write instead. */
export function configWarnings(config: ShopConfig): readonly string[] {
  const { url, password } = config.hq
  const warnings: string[] = []
  if (url.startsWith('mqtt:') && password !== undefined && !isLoopback(new URL(url).hostname))
    warnings.push('hq.url: the password crosses the network in clear; write `mqtts://…:8883`')
  if (config.terminals.length === 0)
    warnings.push('terminals: none is set up, so nothing will be read; write `terminals: [ … ]`')
  for (const [index, { id }] of config.buses.entries())
    if (!config.terminals.some(({ line }) => line.type === 'bus' && line.bus === id))
      warnings.push(`buses.${index}: no terminal is on it; write \`line: { bus: ${id} }\` at one`)
  if (config.payments.length > 0 && config.hq.keys.length === 0)
    warnings.push(
      'payments: where nobody knows what came of one, HQ says so; write `hq.keys: [ … ]`',
    )
  return warnings
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || (isIPv4(host) && host.startsWith('127.'))
}
