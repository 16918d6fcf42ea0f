import { Command } from 'commander'
import type { ShopConfig } from '../../config/schema.js'
import { loadRegistry } from '../../profile/registry.js'
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
      await checkProfiles(shop, io)
      const count = shop.terminals.length
      const terminals = count === 1 ? '1 terminal' : `${count} terminals`
      io.print(`ok: ${shop.store}, ${terminals}, HQ at ${shop.hq.url}`)
      io.exit(EXIT.ok)
    })
  return new Command('config').description("the shop's configuration").addCommand(check)
}

/** Every profile must be there and cover the firmware: `run` starts with nothing less. */
async function checkProfiles(shop: ShopConfig, io: CliIo): Promise<void> {
  const registry = await loadRegistry({ extraFolders: shop.profiles })
  const faults = registry.ok
    ? shop.terminals.flatMap(terminal => {
        const isForced = shop.profilesUnproven.includes(terminal.profile)
        const dialect = registry.value.speechOf(terminal)
        const proof = registry.value.proof(terminal.profile)
        const fault = !dialect.ok ? dialect.error : !proof.ok && !isForced ? proof.error : undefined
        const doubt = dialect.ok ? dialect.value.doubt : undefined
        if (doubt !== undefined && terminal.firmware !== undefined)
          io.complain(`warning: ${terminal.id}: ${doubt}; what it says is kept and not believed`)
        return fault === undefined ? [] : [`${terminal.id}: ${fault.message}. ${fault.advice}`]
      })
    : registry.error
  if (faults.length === 0) return
  for (const fault of faults) io.complain(fault)
  io.exit(EXIT.usage)
}
