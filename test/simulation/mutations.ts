import type { EpochId } from '../../gateway/core/ids.js'
import { addRange, missingRanges, type RangeSet } from '../../gateway/core/range-set.js'
import type { Ledger } from '../../gateway/hq/ledger.js'
import { directReceipt } from '../../gateway/uplink/direct-receipt.js'
import type { EpochReceipt } from '../../gateway/wire/receipt.js'
import { connectionWith } from '../support/connection-with.js'
import { journalWith } from '../support/faulty-journal.js'
import { ledgerWith } from '../support/ledger-with.js'
import { type Climate, PLAIN } from './climate.js'
import type { Seams, UplinkParts } from './seams.js'

type Acknowledged = Map<EpochId, RangeSet>

export interface Mutation {
  /** Made anew for each world: what a mutation remembers, it remembers over crashes. */
  readonly seams: () => Seams
  /** The faults that bring it to light. */
  readonly climate: Climate
}

/** Ways to get the protocol wrong. A simulation that lets one of them pass is worth nothing. */
export const MUTATIONS: Readonly<Record<string, Mutation>> = {
  'trim on PUBACK': { seams: () => ({ uplink: trimOnPuback }), climate: PLAIN },
  'the highest receipt wins': {
    seams: highestReceiptWins,
    climate: { ...PLAIN, isPatient: false, restores: true },
  },
  'ignore safe': {
    seams: () => ({ uplink: ignoreSafe }),
    climate: { ...PLAIN, restores: true },
  },
  'no generation': {
    seams: () => ({ ledger: noGeneration }),
    climate: { ...PLAIN, isPatient: false, restores: true },
  },
  'safe is whatever is committed': {
    seams: () => ({ ledger: everythingIsSafe }),
    climate: { ...PLAIN, restores: true },
  },
  'receipt before commit': { seams: () => ({ ledger: receiptBeforeCommit }), climate: PLAIN },
  'fan-out without outbox': { seams: () => ({ ledger: fanOutWithoutOutbox }), climate: PLAIN },
  'one epoch for ever': {
    seams: () => ({
      journalRandom: random => ({ bytes: count => new Uint8Array(count), unit: random.unit }),
    }),
    climate: { ...PLAIN, isPatient: false, rollbacks: true },
  },
}

/** What the broker has acknowledged counts as kept. */
function trimOnPuback({ journal, connection }: UplinkParts): UplinkParts {
  const acknowledged: Acknowledged = new Map()
  let read: { readonly epoch: EpochId; readonly first: number; readonly last: number } | undefined
  return {
    journal: journalWith(journal, {
      read: async range => {
        const slice = await journal.read(range)
        const last = slice.records.at(-1)?.header.seq
        read = last === undefined ? undefined : { ...range, last }
        return slice
      },
    }),
    connection: connectionWith(connection, async message => {
      const sent = message.topic.endsWith('/up/journal') ? read : undefined
      await connection.publish(message)
      if (sent === undefined) return
      const { epoch, first, last } = sent
      acknowledged.set(epoch, addRange(acknowledged.get(epoch) ?? [], [first, last]))
      await journal.confirm(directReceipt(journal.epochs(), acknowledged))
    }),
  }
}

/** A receipt never takes back what an earlier one confirmed. */
function highestReceiptWins(): Seams {
  const confirmed: Acknowledged = new Map()
  const widest = (receipt: EpochReceipt): EpochReceipt => {
    let set = confirmed.get(receipt.epoch) ?? []
    for (const range of missingRanges(receipt.missing, [1, receipt.upTo]))
      set = addRange(set, range)
    confirmed.set(receipt.epoch, set)
    const upTo = set.at(-1)?.[1] ?? 0
    const missing = missingRanges(set, [1, upTo]).map(([a, b]): [number, number] => [a, b])
    return { ...receipt, upTo, missing }
  }
  return {
    uplink: ({ journal, connection }) => ({
      journal: journalWith(journal, {
        confirm: (epochs, asked) => journal.confirm(epochs.map(widest), asked),
      }),
      connection,
    }),
  }
}

/** Says of a batch that it is committed when the commit has only begun. */
function receiptBeforeCommit(ledger: Ledger): Ledger {
  const begun: Acknowledged = new Map()
  return ledgerWith(ledger, {
    commit: async batch => {
      const { epoch, first, count } = batch.header
      begun.set(epoch, addRange(begun.get(epoch) ?? [], [first, first + count - 1]))
      ledger.commit(batch).catch(() => undefined)
      return { stored: count, duplicates: 0, conflicts: 0, repeated: 0, alarms: [] }
    },
    receipt: async (store, asked) => {
      const receipt = await ledger.receipt(store, asked)
      const known = new Map(receipt.epochs.map(each => [each.epoch, each]))
      const epochs = [...new Set([...known.keys(), ...begun.keys()])].map(epoch => {
        const { upTo = 0, missing = [], ...rest } = known.get(epoch) ?? {}
        let set = upTo > 0 ? missingRanges(missing, [1, upTo]) : []
        for (const range of begun.get(epoch) ?? []) set = addRange(set, range)
        const highest = set.at(-1)?.[1] ?? 0
        const gaps = missingRanges(set, [1, highest]).map(([a, b]): [number, number] => [a, b])
        return { ...rest, epoch, upTo: highest, missing: gaps }
      })
      return { ...receipt, epochs }
    },
  })
}

/** Publishes what is committed while it runs; what it left unpublished when it died is gone. */
function fanOutWithoutOutbox(ledger: Ledger): Ledger {
  let bornAt: number | undefined
  return ledgerWith(ledger, {
    outbox: async limit => {
      bornAt ??= (await ledger.rows(0, 100_000)).at(-1)?.position ?? 0
      const rows = await ledger.outbox(limit)
      return rows.filter(({ position }) => position > (bornAt ?? 0))
    },
  })
}

/** Lets the store trim what no backup contains yet. */
function everythingIsSafe(ledger: Ledger): Ledger {
  return ledgerWith(ledger, {
    receipt: async (store, asked) => {
      const receipt = await ledger.receipt(store, asked)
      const epochs = receipt.epochs.map(({ safe, ...epoch }) =>
        safe === undefined ? epoch : { ...epoch, safe: epoch.upTo },
      )
      return { ...receipt, epochs }
    },
  })
}

/** What is confirmed may go: the ledger is never restored. */
function ignoreSafe({ journal, connection }: UplinkParts): UplinkParts {
  const all = (receipt: EpochReceipt): EpochReceipt => ({ ...receipt, safe: receipt.upTo })
  return {
    journal: journalWith(journal, { confirm: epochs => journal.confirm(epochs.map(all)) }),
    connection,
  }
}

/** A ledger that was restored goes on under its old name. */
function noGeneration(ledger: Ledger): Ledger {
  return ledgerWith(ledger, { renew: () => ledger.generation() })
}
