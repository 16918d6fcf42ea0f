import {
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  sign,
  X509Certificate,
} from 'node:crypto'
import { fromHex } from '../core/bytes.js'
import type { Random } from '../core/random.js'
import {
  bitString,
  boolean,
  element,
  elementsIn,
  integer,
  objectId,
  octetString,
  sequence,
  time,
  utf8String,
} from './der.js'

/** A certificate of a client, which its public key and its name are sealed in. */
export interface IssuedCertificate {
  readonly pem: string
  /** Hexadecimal, as OpenSSL prints it. */
  readonly serial: string
  readonly validFromMs: number
  readonly validToMs: number
}

/** Certificates by this serial number are believed no more. */
export interface RevokedCertificate {
  readonly serial: string
  readonly revokedMs: number
}

/** Who says which public key speaks as which store. */
export interface CertificateAuthority {
  /** PEM of its own certificate. */
  readonly certificate: string
  /** `publicKey`: SPKI in DER. Times in whole seconds. @throws Error where it is no key */
  issue(subject: {
    readonly name: string
    readonly publicKey: Uint8Array
    readonly validFromMs: number
    readonly validToMs: number
  }): IssuedCertificate
  /** The list of what is revoked, PEM (RFC 5280 §5). */
  revocationList(options: {
    readonly revoked: readonly RevokedCertificate[]
    readonly atMs: number
    readonly untilMs: number
  }): string
}

const ECDSA_WITH_SHA256 = sequence(objectId('1.2.840.10045.4.3.2'))
const COMMON_NAME = objectId('2.5.4.3')
const BASIC_CONSTRAINTS = objectId('2.5.29.19')
const KEY_USAGE = objectId('2.5.29.15')
const EXTENDED_KEY_USAGE = objectId('2.5.29.37')
const CLIENT_AUTH = objectId('1.3.6.1.5.5.7.3.2')
/** The one bit of KeyUsage that TLS 1.3 asks of a client's key, of eight. */
const DIGITAL_SIGNATURE = bitString(Buffer.from([0x80]), 7)

/**
 * An authority by its certificate and its P-256 key, PEM both.
 * @throws Error where they are not, or do not belong together
 */
export function openAuthority(options: {
  readonly certificate: string
  readonly key: string
  readonly random: Random
}): CertificateAuthority {
  const { certificate, random } = options
  const key = createPrivateKey(options.key)
  const own = new X509Certificate(certificate)
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') throw new Error('no key of P-256')
  if (!own.ca || !own.checkPrivateKey(key)) throw new Error('no authority, or not with this key')
  const issuer = subjectOf(own)
  return {
    certificate: own.toString(),
    issue: ({ name, publicKey, validFromMs, validToMs }) => {
      const serial = newSerial(random)
      const spki = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' })
      const pem = sealed('CERTIFICATE', key, [
        element(0xa0, integer(Buffer.from([2]))),
        integer(serial),
        ECDSA_WITH_SHA256,
        issuer,
        sequence(time(validFromMs), time(validToMs)),
        nameOf(name),
        spki.export({ format: 'der', type: 'spki' }),
        element(0xa3, sequence(...extensions())),
      ])
      return { pem, serial: new X509Certificate(pem).serialNumber, validFromMs, validToMs }
    },
    revocationList: ({ revoked, atMs, untilMs }) => {
      const entries = revoked.map(({ serial, revokedMs }) =>
        sequence(integer(fromHex(serial.toLowerCase())), time(revokedMs)),
      )
      return sealed('X509 CRL', key, [
        ECDSA_WITH_SHA256,
        issuer,
        time(atMs),
        time(untilMs),
        // RFC 5280 §5.1.2.6: an empty list is left out.
        ...(entries.length === 0 ? [] : [sequence(...entries)]),
      ])
    },
  }
}

function extensions(): readonly Uint8Array[] {
  const critical = boolean(true)
  return [
    sequence(BASIC_CONSTRAINTS, critical, octetString(sequence())),
    sequence(KEY_USAGE, critical, octetString(DIGITAL_SIGNATURE)),
    sequence(EXTENDED_KEY_USAGE, octetString(sequence(CLIENT_AUTH))),
  ]
}

/** What stands in it and the signature over that, as certificates and lists of them are made. */
function sealed(label: string, key: KeyObject, parts: readonly Uint8Array[]): string {
  const body = sequence(...parts)
  const signature = bitString(sign('sha256', body, key))
  const base64 = Buffer.from(sequence(body, ECDSA_WITH_SHA256, signature)).toString('base64')
  const lines = base64.match(/.{1,64}/g) ?? []
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n')
}

function nameOf(commonName: string): Uint8Array {
  return sequence(element(0x31, sequence(COMMON_NAME, utf8String(commonName))))
}

/** Byte for byte, as what it issues must name it (RFC 5280 §4.1.2.4). */
function subjectOf(certificate: X509Certificate): Uint8Array {
  const [body = new Uint8Array()] = elementsIn(certificate.raw)
  // Version, serial number, algorithm, issuer, validity, subject.
  const subject = elementsIn(body)[5]
  if (subject === undefined) throw new Error('a certificate without a subject')
  return subject
}

/** 126 random bits, positive and never 0 (RFC 5280 §4.1.2.2). */
function newSerial(random: Random): Uint8Array {
  const serial = Buffer.from(random.bytes(16))
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40
  return serial
}
