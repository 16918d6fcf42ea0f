import { LIMITS } from '../../core/limits.js'
import type { CertificateNote } from '../../wire/enrol.js'
import { countingCertificates, currentGateway, type StoreEntry } from './store-entry.js'

/**
 * Gateways ask past half of a certificate's life. Clocks of shops may be ahead of HQ's, so one that
 * asks in this part of it is given none.
 */
const YOUNG = 1 / 3

/**
 * Why HQ issues no other certificate to a store's gateway by itself; nothing where it does. A fault
 * or a thief could ask for thousands, and brokers would take every one.
 */
export function whyNotRenewed(
  entry: StoreEntry,
  note: Pick<CertificateNote, 'device' | 'serial'>,
  nowMs: number,
): string | undefined {
  const { store, certificates } = entry
  if (currentGateway(entry)?.device !== note.device)
    return `gateway ${note.device} is not that of ${store}`
  const inUse = certificates.find(({ serial }) => serial === note.serial)
  if (inUse !== undefined && inUse.revoked === undefined && isYoung(inUse, nowMs))
    return `the certificate in use ends ${inUse.validTo}: too early; see to the shop's clock`
  const asked = 'if nobody set up its gateway again and again, retire it and approve another'
  const { certificatesADay: aDay, certificatesDayMs: dayMs, certificatesAtOnce: atOnce } = LIMITS
  const today = certificates.filter(each => nowMs - issuedMs(each) < dayMs).length
  if (today >= aDay) return `${store} was issued ${today} certificates in one day: ${asked}`
  const counting = countingCertificates(entry, nowMs)
  return counting < atOnce ? undefined : `${store} has ${counting} that count: ${asked}`
}

type Issued = StoreEntry['certificates'][number]

function issuedMs({ validFrom }: Pick<Issued, 'validFrom'>): number {
  return Date.parse(validFrom) + LIMITS.certificateBackdatedMs
}

function isYoung(certificate: Issued, nowMs: number): boolean {
  const fromMs = issuedMs(certificate)
  const lifeMs = Date.parse(certificate.validTo) - fromMs
  return nowMs - fromMs < lifeMs * YOUNG
}
