import { Option } from 'commander'
import { loadConfig } from '../config/load.js'
import type { ShopConfig } from '../config/schema.js'
import { configWarnings } from '../config/warnings.js'
import { EXIT } from './exit-codes.js'
import type { CliIo } from './io.js'

/** `--config <file>`, the same for every command that needs a shop. */
export function configOption(): Option {
  return new Option('--config <file>', "the shop's configuration (docs/configuration.md)")
}

/** The shop's configuration; faults are printed and end the process, warnings are only printed. */
export function loadShop(options: {
  readonly file: string | undefined
  readonly io: CliIo
}): ShopConfig {
  const { file, io } = options
  const loaded = loadConfig({ file, env: io.env })
  if (!loaded.ok) {
    for (const fault of loaded.error) io.complain(fault)
    return io.exit(EXIT.usage)
  }
  for (const warning of configWarnings(loaded.value)) io.complain(`warning: ${warning}`)
  return loaded.value
}
