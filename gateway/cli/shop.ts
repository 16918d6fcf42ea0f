import { Option } from 'commander'
import {
  asMember,
  type ConfigOrigin,
  type Member,
  readMember,
  waitingText,
} from '../composition/enrolment.js'
import { loadConfig } from '../config/load.js'
import type { ShopConfig } from '../config/schema.js'
import { configWarnings } from '../config/warnings.js'
import { EXIT } from './exit-codes.js'
import type { CliIo } from './io.js'

/** `--config <file>`, the same for every command that needs a shop. */
export function configOption(): Option {
  return new Option('--config <file>', "the shop's configuration (docs/configuration.md)")
}

/** A gateway of a fleet; faults in its variables are printed and end the process. */
export function memberOf(io: CliIo): Member | undefined {
  const member = readMember(io.env)
  if (member.ok) return member.value
  for (const fault of member.error) io.complain(fault)
  return io.exit(EXIT.usage)
}

/** Where the shop's configuration comes from: what HQ gave a member counts before all else. */
export function originOf(options: {
  readonly file: string | undefined
  readonly io: CliIo
}): ConfigOrigin {
  const { file, io } = options
  const member = memberOf(io)
  return member === undefined ? { file, env: io.env } : asMember({ file, env: io.env }, member)
}

/** Of a gateway that HQ has not approved yet: that, and its fingerprint. */
export function waitingFor(io: CliIo): string | undefined {
  const member = memberOf(io)
  return member && waitingText(member)
}

/** The shop's configuration; faults are printed and end the process, warnings are only printed. */
export function loadShop(options: {
  readonly file: string | undefined
  readonly io: CliIo
}): ShopConfig {
  const { io } = options
  const waiting = waitingFor(io)
  if (waiting !== undefined) {
    io.complain(waiting)
    return io.exit(EXIT.usage)
  }
  const loaded = loadConfig(originOf(options))
  if (!loaded.ok) {
    for (const fault of loaded.error) io.complain(fault)
    return io.exit(EXIT.usage)
  }
  for (const warning of configWarnings(loaded.value)) io.complain(`warning: ${warning}`)
  return loaded.value
}
