import { Command, InvalidArgumentError } from 'commander'
import { type DeviceId, isDeviceId, type StoreId } from '../../core/ids.js'
import { currentCertificate, currentGateway, type StoreEntry } from '../../hq/stores/store-entry.js'
import type { StoreRegister } from '../../hq/stores/store-register.js'
import type { EnrolRequest } from '../../wire/enrol.js'
import { auditLedger } from '../ask-ledger.js'
import { EXIT, type ExitCode } from '../exit-codes.js'
import { keyOption, storeNamed, withHqBrokerFlags } from '../hq-client-flags.js'
import { readHqKey } from '../hq-key-file.js'
import { ledgerPlaceOf } from '../hq-ledger.js'
import type { CliIo } from '../io.js'
import type { Waiting } from '../stores-desk.js'
import { atRegister, atStoresDesk, type StoresFlags } from '../stores-flags.js'
import { entryLines, reportLines, requestLine } from '../stores-text.js'

/** `tillbridge hq stores`: which gateway speaks as which store (docs/hq.md). */
export function hqStoresCommand(io: CliIo): Command {
  return new Command('stores')
    .description('which gateway speaks as which store: approve, replace, retire (docs/hq.md)')
    .addCommand(listCommand(io))
    .addCommand(approveCommand(io))
    .addCommand(refuseCommand(io))
    .addCommand(showCommand(io))
    .addCommand(retireCommand(io))
    .addCommand(codeCommand(io))
}

function listCommand(io: CliIo): Command {
  return withHqBrokerFlags(new Command('list'))
    .description('gateways that wait for your approval, and the stores that have one')
    .action((_flags: unknown, command: Command) =>
      atStoresDesk(command.optsWithGlobals<StoresFlags>(), io, async ({ desk, register }) => {
        const waiting = await desk.waiting()
        io.print(headOf(waiting))
        for (const request of waiting.requests)
          io.print(requestLine(request, await storeWanted(request, register)))
        for (const entry of await register.stores()) io.print(lineOf(entry))
        return EXIT.ok
      }),
    )
}

function headOf({ requests, forged, more }: Waiting): string {
  const parts = [
    requests.length === 0 ? 'no gateway waits' : `waiting: ${requests.length}`,
    ...(forged === 0 ? [] : [`${forged} forged`]),
    ...(more === 0 ? [] : [`${more} more: the fleet's credential may be stolen`]),
  ]
  return parts.join(', ')
}

function lineOf(entry: StoreEntry): string {
  const gateway = currentGateway(entry)
  if (gateway === undefined) return `${entry.store}  retired`
  const until = currentCertificate(entry)?.validTo ?? 'never issued'
  return `${entry.store}  gateway ${gateway.device}  certificate until ${until}`
}

interface ApproveFlags extends StoresFlags {
  readonly key: string
  readonly store?: StoreId
  readonly replace?: true
}

function approveCommand(io: CliIo): Command {
  return withHqBrokerFlags(new Command('approve'))
    .description('let a gateway speak as a store; compare the fingerprint with the shop first')
    .argument('<fingerprint>', 'what the gateway shows in its log', fingerprint)
    .option('--store <store>', 'where it names none, or shall be another', storeNamed)
    .option('--replace', 'in place of the gateway that the store has')
    .addOption(keyOption())
    .action((device: DeviceId, _flags: unknown, command: Command) => {
      const flags = command.optsWithGlobals<ApproveFlags>()
      return atStoresDesk(flags, io, async ({ desk, register }) => {
        const key = await readHqKey(flags.key, io)
        const [request] = (await desk.waiting(device)).requests
        if (request === undefined) return complain(io, `no gateway ${device} waits`)
        const store = await storeFor(request, { flags, register, io })
        if (store === undefined) return EXIT.findings
        const other = await otherStoreOf(device, { store, register })
        if (other !== undefined) return complain(io, `it is ${other}: retire that first`)
        const place = ledgerPlaceOf(flags, io)
        const entry = await register.find(store)
        const before = currentGateway(entry)
        if (before !== undefined && before.device !== device) {
          const { account } = await auditLedger(place, { ask: 'account', store })
          for (const line of entryLines(entry)) io.print(line)
          for (const line of reportLines(account)) io.print(line)
          if (flags.replace !== true)
            return complain(io, `${store} has a gateway already: write --replace if that is dead`)
        }
        const { publicKey, tlsKey } = request
        await auditLedger(place, { ask: 'trust-key', store, publicKey })
        const certificate = await register.approve(request, store)
        const { certificate: authority } = register
        const about = { v: 1, device, tlsKey, store, certificate, authority } as const
        await desk.answer({ ...about, decision: 'approved' }, key)
        io.print(`${store} is gateway ${device} from now on`)
        if (before !== undefined && before.device !== device) tellBrokers(register, io)
        return EXIT.ok
      })
    })
}

function refuseCommand(io: CliIo): Command {
  return withHqBrokerFlags(new Command('refuse'))
    .description('tell a gateway that it shall not be a store of yours')
    .argument('<fingerprint>', 'what the gateway shows in its log', fingerprint)
    .option('--reason <words>', 'what its log shall say', 'HQ does not know this gateway')
    .addOption(keyOption())
    .action((device: DeviceId, _flags: unknown, command: Command) => {
      const flags = command.optsWithGlobals<StoresFlags & { key: string; reason: string }>()
      return atStoresDesk(flags, io, async ({ desk }) => {
        const key = await readHqKey(flags.key, io)
        const [request] = (await desk.waiting(device)).requests
        if (request === undefined) return complain(io, `no gateway ${device} waits`)
        const { tlsKey } = request
        const reason = flags.reason.slice(0, 200)
        await desk.answer({ v: 1, device, tlsKey, decision: 'refused', reason }, key)
        io.print(`gateway ${device} is refused`)
        return EXIT.ok
      })
    })
}

function showCommand(io: CliIo): Command {
  return new Command('show')
    .description('the gateways of a store, what they delivered, and what is known to be missing')
    .argument('<store>', 'which store', storeNamed)
    .action((store: StoreId, _flags: unknown, command: Command) => {
      const flags = command.optsWithGlobals<StoresFlags>()
      return atRegister(flags, io, async register => {
        const place = ledgerPlaceOf(flags, io)
        const { account } = await auditLedger(place, { ask: 'account', store })
        for (const line of entryLines(await register.find(store))) io.print(line)
        for (const line of reportLines(account)) io.print(line)
        return EXIT.ok
      })
    })
}

function retireCommand(io: CliIo): Command {
  return new Command('retire')
    .description('no gateway speaks as this store any more: it is closed, or its gateway stolen')
    .argument('<store>', 'which store', storeNamed)
    .action((store: StoreId, _flags: unknown, command: Command) =>
      atRegister(command.optsWithGlobals<StoresFlags>(), io, async register => {
        const gateway = currentGateway(await register.find(store))
        if (gateway === undefined) {
          // Who called this before may have been interrupted.
          await register.publishRevocations()
          return complain(io, `${store} has no gateway`)
        }
        await register.retire(store)
        io.print(`${store} is retired; its gateway was ${gateway.device}`)
        tellBrokers(register, io)
        return EXIT.ok
      }),
    )
}

function codeCommand(io: CliIo): Command {
  return new Command('code')
    .description('an activation code for a new gateway: TILLBRIDGE_ACTIVATION_CODE')
    .argument('<store>', 'which store', storeNamed)
    .action((store: StoreId, _flags: unknown, command: Command) =>
      atRegister(command.optsWithGlobals<StoresFlags>(), io, async register => {
        const { code, until } = await register.codes.issue(store)
        io.print(`${code}   ${store}, until ${until}`)
        return EXIT.ok
      }),
    )
}

/** The store that a gateway asks to be, by its variable or its code. */
async function storeWanted(
  request: EnrolRequest,
  register: StoreRegister,
): Promise<{ readonly store: StoreId | undefined; readonly by: string }> {
  if (request.code === undefined)
    return { store: request.store, by: request.store === undefined ? 'nothing' : 'its variable' }
  const store = await register.codes.storeOf(request)
  return { store, by: store === undefined ? 'a code that is unknown, used or too old' : 'its code' }
}

async function storeFor(
  request: EnrolRequest,
  given: { readonly flags: ApproveFlags; readonly register: StoreRegister; readonly io: CliIo },
): Promise<StoreId | undefined> {
  const { flags, register, io } = given
  const { store, by } = await storeWanted(request, register)
  const named = flags.store ?? store
  if (named !== undefined) return named
  io.complain(`which store it shall be is said by ${by}; write --store store-001`)
  return undefined
}

/** One gateway is one store: its journal is that store's. */
async function otherStoreOf(
  device: DeviceId,
  given: { readonly store: StoreId; readonly register: StoreRegister },
): Promise<StoreId | undefined> {
  const entries = await given.register.stores()
  const entry = entries.find(each => currentGateway(each)?.device === device)
  return entry?.store === given.store ? undefined : entry?.store
}

/** A broker holds the list that it read; and who is connected stays so until it is cut off. */
function tellBrokers(register: StoreRegister, io: CliIo): void {
  io.print(`revoked certificates: ${register.revocations}`)
  io.print(
    'Let the broker read it (SIGHUP, or a copy and SIGHUP): until then the old one may connect.',
  )
}

function complain(io: CliIo, text: string): ExitCode {
  io.complain(text)
  return EXIT.findings
}

function fingerprint(text: string): DeviceId {
  const id = text.toLowerCase()
  if (isDeviceId(id)) return id
  throw new InvalidArgumentError('expected five groups of four; write 3f9a-77c1-02be-9d10-aa34')
}
