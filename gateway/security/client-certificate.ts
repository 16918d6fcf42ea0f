import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  verify,
  X509Certificate,
} from 'node:crypto'
import { fail, ok, type Result } from '../core/result.js'

/** A key for TLS: P-256, which every broker takes. */
export interface TlsKey {
  /** PKCS #8 PEM: the secret itself. */
  readonly pem: string
  /** SPKI in DER, base64url. */
  readonly publicKey: string
  /** Proof that whoever says this text has the key: ECDSA with SHA-256, base64url. */
  prove(text: string): string
}

export function newTlsKey(): TlsKey {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return tlsKeyOf(privateKey.export({ format: 'pem', type: 'pkcs8' }).toString())
}

/** @throws Error where the PEM holds no key of P-256 */
export function tlsKeyOf(pem: string): TlsKey {
  const key = createPrivateKey(pem)
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') throw new Error('no key of P-256')
  return {
    pem: key.export({ format: 'pem', type: 'pkcs8' }).toString(),
    publicKey: createPublicKey(key).export({ format: 'der', type: 'spki' }).toString('base64url'),
    prove: text => sign('sha256', Buffer.from(text), key).toString('base64url'),
  }
}

/** Whether the holder of this P-256 key said this text; false, too, for what is no key. */
export function isProven(said: {
  readonly publicKey: string
  readonly text: string
  readonly proof: string
}): boolean {
  try {
    const der = Buffer.from(said.publicKey, 'base64url')
    const key = createPublicKey({ key: der, format: 'der', type: 'spki' })
    if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') return false
    return verify('sha256', Buffer.from(said.text), key, Buffer.from(said.proof, 'base64url'))
  } catch {
    return false
  }
}

/** What a client certificate says of itself. */
export interface ClientCertificate {
  /** Hexadecimal, as OpenSSL prints it. */
  readonly serial: string
  readonly name: string
  readonly validFromMs: number
  readonly validToMs: number
}

/** Of a PEM that may hold a key, too. @throws Error where it holds no certificate */
export function readCertificate(pem: string): ClientCertificate {
  const certificate = new X509Certificate(pem)
  return {
    serial: certificate.serialNumber,
    name: certificate.subject.replace(/^CN=/, ''),
    validFromMs: Date.parse(certificate.validFrom),
    validToMs: Date.parse(certificate.validTo),
  }
}

/**
 * Whether a certificate was issued by this authority, to this name, for this key: then it is to be
 * believed, wherever it comes from.
 */
export function checkCertificate(options: {
  readonly certificate: string
  /** PEM of the authority's own. */
  readonly authority: string
  readonly name: string
  /** PEM of the secret key. */
  readonly key: string
}): Result<ClientCertificate, string> {
  const { authority, name, key } = options
  try {
    const certificate = new X509Certificate(options.certificate)
    const issuer = new X509Certificate(authority)
    if (!certificate.checkIssued(issuer) || !certificate.verify(issuer.publicKey))
      return fail('the authority did not issue this certificate')
    if (certificate.subject !== `CN=${name}`) return fail(`it is not the certificate of ${name}`)
    if (!certificate.checkPrivateKey(createPrivateKey(key)))
      return fail('it is not for the key of this device')
    return ok(readCertificate(options.certificate))
  } catch {
    return fail('it is no certificate')
  }
}
