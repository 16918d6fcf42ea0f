import { systemClock } from '../core/clock.js'
import { messageOf } from '../core/errors.js'
import { systemRandom } from '../core/random.js'
import { StoreRegister } from '../hq/stores/store-register.js'
import { atBroker } from './at-broker.js'
import { EXIT, type ExitCode, exitCodeOf } from './exit-codes.js'
import type { HqBrokerFlags } from './hq-client-flags.js'
import type { LedgerFlags } from './hq-ledger.js'
import type { CliIo } from './io.js'
import { StoresDesk } from './stores-desk.js'

const DAY_MS = 24 * 3600 * 1000

/** The flags of who issues certificates, as `hq` and `hq stores` have them. */
export interface AuthorityFlags {
  readonly authority?: string
  readonly certificateDays: number
}

export interface StoresFlags extends AuthorityFlags, LedgerFlags, HqBrokerFlags {}

/** @throws TillbridgeError TB_ENROL_AUTHORITY */
export function openRegister(folder: string, flags: AuthorityFlags): Promise<StoreRegister> {
  const validMs = flags.certificateDays * DAY_MS
  return StoreRegister.open({ folder, validMs, clock: systemClock, random: systemRandom })
}

/** Works on the register, and ends the command with what the work says. */
export async function atRegister(
  flags: AuthorityFlags,
  io: CliIo,
  work: (register: StoreRegister) => Promise<ExitCode>,
): Promise<void> {
  const { authority } = flags
  if (authority === undefined) {
    io.complain('--authority: expected the folder of the stores’ authority; write its path')
    return io.exit(EXIT.usage)
  }
  const code = await openRegister(authority, flags)
    .then(work)
    .catch(thrown => {
      io.complain(messageOf(thrown))
      return exitCodeOf(thrown)
    })
  io.exit(code)
}

/** As `atRegister`, at HQ's broker, too. */
export function atStoresDesk(
  flags: StoresFlags,
  io: CliIo,
  work: (at: { readonly desk: StoresDesk; readonly register: StoreRegister }) => Promise<ExitCode>,
): Promise<void> {
  return atRegister(flags, io, register =>
    atBroker({ flags, io, name: 'stores' }, at => work({ desk: new StoresDesk(at), register })),
  )
}
