import { Command } from 'commander'
import { busFaults, type Speaking } from '../../composition/buses.js'
import type { ShopConfig } from '../../config/schema.js'
import { systemClock } from '../../core/clock.js'
import { loadRegistry, type ProfileRegistry } from '../../profile/registry.js'
import { checkTlsFiles } from '../../security/tls-files.js'
import { EXIT } from '../exit-codes.js'
import type { CliIo } from '../io.js'
import { configOption, loadShop } from '../shop.js'

/** `tillbridge config check`: whether `run` would take this configuration. */
export function configCommand(io: CliIo): Command {
  const check = new Command('check')
    .description('read the configuration and say what is wrong with it')
    .addOption(configOption())
    .action(async (options: { readonly config?: string }) => {
      const shop = loadShop({ file: options.config, io })
      checkHqTls(shop, io)
      await checkProfiles(shop, io)
      const count = shop.terminals.length
      const terminals = count === 1 ? '1 terminal' : `${count} terminals`
      io.print(`ok: ${shop.store}, ${terminals}, HQ at ${shop.hq.url}`)
      io.exit(EXIT.ok)
    })
  return new Command('config').description("the shop's configuration").addCommand(check)
}

/** Without them the store is silent, and finds out at its start. */
function checkHqTls({ hq }: ShopConfig, io: CliIo): void {
  const { faults } = checkTlsFiles(hq.tls ?? {}, systemClock.wallMs())
  for (const fault of faults) io.complain(`hq.tls.${fault}`)
  if (faults.length > 0) io.exit(EXIT.usage)
}

/** Every profile must be there and cover the firmware: `run` starts with nothing less. */
async function checkProfiles(shop: ShopConfig, io: CliIo): Promise<void> {
  const registry = await loadRegistry({ extraFolders: shop.profiles })
  const faults = registry.ok
    ? terminalFaults({ shop, registry: registry.value, io })
    : registry.error
  if (faults.length === 0) return
  for (const fault of faults) io.complain(fault)
  io.exit(EXIT.usage)
}

function terminalFaults(options: {
  readonly shop: ShopConfig
  readonly registry: ProfileRegistry
  readonly io: CliIo
}): readonly string[] {
  const { shop, registry, io } = options
  const faults: string[] = []
  const spoken: Speaking[] = []
  for (const terminal of shop.terminals) {
    const isForced = shop.profilesUnproven.includes(terminal.profile)
    const dialect = registry.speechOf(terminal)
    const proof = registry.proof(terminal.profile)
    if (dialect.ok) spoken.push({ terminal, dialect: dialect.value })
    const fault = !dialect.ok ? dialect.error : !proof.ok && !isForced ? proof.error : undefined
    const doubt = dialect.ok ? dialect.value.doubt : undefined
    if (doubt !== undefined && terminal.firmware !== undefined)
      io.complain(`warning: ${terminal.id}: ${doubt}; what it says is kept and not believed`)
    if (fault !== undefined) faults.push(`${terminal.id}: ${fault.message}. ${fault.advice}`)
  }
  return [
    ...faults,
    ...busFaults(shop, spoken).map(({ message, advice }) => `${message}. ${advice}`),
  ]
}
