import { Command } from 'commander'
import { EXIT } from '../exit-codes.js'
import type { CliIo } from '../io.js'
import { configOption, loadShop } from '../shop.js'

/** `tillbridge config check`: whether `run` would take this configuration. */
export function configCommand(io: CliIo): Command {
  const check = new Command('check')
    .description('read the configuration and say what is wrong with it')
    .addOption(configOption())
    .action((options: { readonly config?: string }) => {
      const shop = loadShop({ file: options.config, io })
      io.print(`ok: ${shop.store}, ${shop.terminals.length} terminals, HQ at ${shop.hq.url}`)
      io.exit(EXIT.ok)
    })
  return new Command('config').description("the shop's configuration").addCommand(check)
}
