import { z } from 'zod'
import { deviceIdSchema, storeIdSchema } from '../../core/id-schema.js'
import type { StoreId } from '../../core/ids.js'
import type { IssuedCertificate } from '../../security/certificate-authority.js'
import type { EnrolRequest } from '../../wire/enrol.js'

/** A gateway that HQ let speak as a store, and until when. Times in RFC 3339. */
const gateway = z.strictObject({
  device: deviceIdSchema,
  publicKey: z.string().regex(/^[0-9a-f]{64}$/),
  hardware: z.string(),
  software: z.string(),
  since: z.string(),
  ended: z.strictObject({ at: z.string(), why: z.enum(['replaced', 'retired']) }).exactOptional(),
})

const issued = z.strictObject({
  serial: z.string().regex(/^[0-9A-F]+$/),
  device: deviceIdSchema,
  tlsKey: z.string(),
  pem: z.string(),
  validFrom: z.string(),
  validTo: z.string(),
  revoked: z.string().exactOptional(),
})

/** What HQ keeps of a store that it enrolled. */
export const storeEntry = z.strictObject({
  v: z.literal(1),
  store: storeIdSchema,
  /** Oldest first; one at most has no end. */
  gateways: z.array(gateway),
  /** Oldest first; those that expired long ago are left out. */
  certificates: z.array(issued),
})

export type StoreEntry = z.infer<typeof storeEntry>
export type EnrolledGateway = z.infer<typeof gateway>
type Issued = z.infer<typeof issued>

export function newEntry(store: StoreId): StoreEntry {
  return { v: 1, store, gateways: [], certificates: [] }
}

/** The gateway that speaks as the store by HQ's leave; nothing where the store was retired. */
export function currentGateway({ gateways }: StoreEntry): EnrolledGateway | undefined {
  return gateways.find(({ ended }) => ended === undefined)
}

/** The certificate that was issued last, of those that count. */
export function currentCertificate({ certificates }: StoreEntry): Issued | undefined {
  return certificates.findLast(({ revoked }) => revoked === undefined)
}

/** How many a broker would take. */
export function countingCertificates({ certificates }: StoreEntry, nowMs: number): number {
  return certificates.filter(
    ({ revoked, validTo }) => revoked === undefined && Date.parse(validTo) > nowMs,
  ).length
}

/** What was issued for this key and counts still: the answer may have been lost. */
export function certificateFor(
  { certificates }: StoreEntry,
  claim: { readonly device: string; readonly tlsKey: string },
): Issued | undefined {
  return certificates.findLast(
    ({ device, tlsKey, revoked }) =>
      device === claim.device && tlsKey === claim.tlsKey && revoked === undefined,
  )
}

/** This gateway speaks as the store from now on, and no other does. */
export function withGateway(entry: StoreEntry, request: EnrolRequest, at: string): StoreEntry {
  if (currentGateway(entry)?.device === request.device) return entry
  const { device, publicKey, hardware, software } = request
  const ended = withoutGateway(entry, { at, why: 'replaced' })
  const gateways = [...ended.gateways, { device, publicKey, hardware, software, since: at }]
  return { ...ended, gateways }
}

/** No gateway speaks as the store any more: its certificates are revoked. */
export function withoutGateway(
  entry: StoreEntry,
  ended: NonNullable<EnrolledGateway['ended']>,
): StoreEntry {
  return {
    ...entry,
    gateways: entry.gateways.map(each => ({ ended, ...each })),
    certificates: entry.certificates.map(each => ({ revoked: ended.at, ...each })),
  }
}

/** `nowMs`: what expired before it need not be remembered, for no broker takes it. */
export function withCertificate(
  entry: StoreEntry,
  added: {
    readonly certificate: IssuedCertificate
    readonly claim: { readonly device: Issued['device']; readonly tlsKey: string }
    readonly nowMs: number
  },
): StoreEntry {
  const { certificate, claim, nowMs } = added
  const { serial, pem, validFromMs, validToMs } = certificate
  const kept = entry.certificates.filter(({ validTo }) => Date.parse(validTo) > nowMs)
  const [validFrom, validTo] = [instant(validFromMs), instant(validToMs)]
  const { device, tlsKey } = claim
  return {
    ...entry,
    certificates: [...kept, { serial, device, tlsKey, pem, validFrom, validTo }],
  }
}

function instant(ms: number): string {
  return new Date(ms).toISOString()
}
