import type { StoreId } from '../core/ids.js'
import type { StoreReport } from '../hq/stores/store-account.js'
import type { StoreEntry } from '../hq/stores/store-entry.js'
import type { EnrolRequest } from '../wire/enrol.js'

/** Gaps that are named one by one; of more only how many there are. */
const NAMED = 20

export function requestLine(
  { device, hardware, software }: EnrolRequest,
  wanted: { readonly store: StoreId | undefined; readonly by: string },
): string {
  const { store, by } = wanted
  const who = store === undefined ? `no store (${by})` : `${store} (by ${by})`
  return `${device}  asks to be ${who}  ${hardware}, version ${software}`
}

/** The gateways that a store had, and has. */
export function entryLines({ store, gateways }: StoreEntry): readonly string[] {
  if (gateways.length === 0) return [`${store}: HQ enrolled no gateway`]
  return gateways.map(({ device, hardware, since, ended }) => {
    const end = ended === undefined ? 'speaks as it' : `${ended.why} ${ended.at}`
    return `${store}: gateway ${device} (${hardware}) since ${since}, ${end}`
  })
}

/** What the ledger knows of a store, and knows to be missing. */
export function reportLines(report: StoreReport | undefined): readonly string[] {
  if (report === undefined) return []
  const { epochs, records, newest, undelivered, turns, tills, looked } = report
  const last =
    newest === undefined
      ? 'nothing of them is here'
      : `the newest: record ${newest.last} of epoch ${newest.epoch}, since ${newest.recordedAt}`
  if (epochs === 0 && undelivered.length === 0) return ['ledger: it never sent anything']
  return [
    `ledger: ${records} records in ${epochs} epochs; ${last}`,
    ...(undelivered.length === 0 ? ['all that it is known to have had is here'] : []),
    ...undelivered.map(
      ({ epoch, missing }) => `not delivered, epoch ${epoch}: records ${inWords(missing)}`,
    ),
    ...(turns.length === 0
      ? []
      : [`epochs speak in turns: a cloned card, or two gateways: ${turns.join(', ')}`]),
    ...tills
      .slice(0, NAMED)
      .map(
        ({ terminal, after, before, day, missing }) =>
          `${terminal}: receipts ${inWords(missing)} are missing, ` +
          `between ${after} and ${before}${day === undefined ? '' : ` of ${day}`}`,
      ),
    ...(tills.length > NAMED ? [`and ${tills.length - NAMED} more gaps in tills' numbers`] : []),
    `till numbers of the newest ${looked} records were looked at`,
  ]
}

function inWords(missing: StoreReport['undelivered'][number]['missing']): string {
  return missing
    .slice(0, NAMED)
    .map(([first, last]) => (first === last ? String(first) : `${first} to ${last}`))
    .join(', ')
}
