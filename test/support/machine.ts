import { loadConfig } from '../../gateway/config/load.js'
import type { ShopConfig } from '../../gateway/config/schema.js'
import { systemClock } from '../../gateway/core/clock.js'
import type { Machine } from '../../gateway/diagnostics/machine/check.js'

/** A shop from YAML; lines are added to what every shop must have. */
export function shopOf(lines: string, hq = 'url: mqtt://127.0.0.1'): ShopConfig {
  const yaml = `store: store-001\nhq: { ${hq} }\n${lines}`
  const loaded = loadConfig({ file: undefined, env: { TILLBRIDGE_CONFIG_YAML: yaml } })
  if (!loaded.ok) throw new Error(loaded.error.join('\n'))
  return loaded.value
}

/** This machine with a shop that has nothing but a name, unless a test says otherwise. */
export function machineOf(own: Partial<Machine> = {}): Machine {
  return {
    config: shopOf(''),
    clock: systemClock,
    root: '',
    clockState: () => 'synced',
    bluetoothAdapters: async () => [],
    ...own,
  }
}

/** One terminal on a serial port, as YAML. */
export function terminalOn(path: string): string {
  return `terminals: [ { id: r1, profile: a/b, firmware: '1', line: { serial: { path: ${path} } } } ]`
}
