import { createHash } from 'node:crypto'
import { z } from 'zod'
import { deviceIdSchema, storeIdSchema } from '../core/id-schema.js'
import { type DeviceId, deviceId } from '../core/ids.js'

/** 32 bytes of an Ed25519 key. */
const publicKey = z.string().regex(/^[0-9a-f]{64}$/)
/** SPKI in DER of a P-256 key, base64url: always as long. */
const tlsKey = z.string().regex(/^[A-Za-z0-9_-]{122}$/)
/** ECDSA of `possessionText` with that key, DER, base64url. */
const tlsProof = z.string().regex(/^[A-Za-z0-9_-]{90,100}$/)
const pem = z.string().max(8192)

/** What a gateway that wants a certificate says of its key for TLS. */
const tlsClaim = { tlsKey, tlsProof }

/**
 * A gateway without identity asks for one: a compact JWS, signed by the key that it states. It can
 * name a store, or prove that it was told an activation code; whether either is true HQ judges.
 */
export const enrolRequest = z.strictObject({
  v: z.literal(1),
  device: deviceIdSchema,
  publicKey,
  ...tlsClaim,
  software: z.string().max(40),
  /** The machine, in a technician's words: model and serial number of the board. */
  hardware: z.string().max(120),
  store: storeIdSchema.exactOptional(),
  /** `codeProof` of the code. */
  code: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .exactOptional(),
})

export type EnrolRequest = z.infer<typeof enrolRequest>

/**
 * HQ's answer, a compact JWS of a key that the gateway pins. It counts for the one key for TLS that
 * the request named: an answer to another gateway, or to an older request, is no answer.
 */
export const enrolAnswer = z.discriminatedUnion('decision', [
  z.strictObject({
    v: z.literal(1),
    device: deviceIdSchema,
    tlsKey,
    decision: z.literal('approved'),
    store: storeIdSchema,
    certificate: pem,
    /** Certificate of who issues this store's: renewed ones are believed by it. */
    authority: pem,
  }),
  z.strictObject({
    v: z.literal(1),
    device: deviceIdSchema,
    tlsKey,
    decision: z.literal('refused'),
    reason: z.string().max(200),
  }),
])

export type EnrolAnswer = z.infer<typeof enrolAnswer>

/**
 * By what a store speaks: a compact JWS, signed by the key of its gateway. With a key for TLS it
 * asks for a certificate for that one.
 */
export const certificateNote = z.strictObject({
  v: z.literal(1),
  store: storeIdSchema,
  device: deviceIdSchema,
  publicKey,
  /** Of the certificate that is in use. */
  serial: z.string().regex(/^[0-9A-F]{2,40}$/),
  software: z.string().max(40),
  renewal: z.strictObject(tlsClaim).exactOptional(),
})

export type CertificateNote = z.infer<typeof certificateNote>

/** Not signed: a certificate is, by the authority that the answer to the request named. */
export const certificateAnswer = z.strictObject({ v: z.literal(1), certificate: pem })

/**
 * A gateway by its public key, short enough to be read out over a telephone: the first 80 bits of
 * its SHA-256.
 */
export function deviceOf(key: string): DeviceId {
  const hex = createHash('sha256').update(Buffer.from(key, 'hex')).digest('hex')
  return deviceId((hex.slice(0, 20).match(/.{4}/g) ?? []).join('-'))
}

/** What whoever has a key for TLS says with it to show that. */
export function possessionText(device: DeviceId, key: string): string {
  return `tillbridge: gateway ${device} has the key ${key}`
}

/** Shows that this gateway was told a code, and is of no use to another one. */
export function codeProof(device: DeviceId, code: string): string {
  const told = code.toUpperCase().replace(/[^A-Z0-9]/g, '')
  return createHash('sha256').update(`${device} ${told}`).digest('hex')
}
