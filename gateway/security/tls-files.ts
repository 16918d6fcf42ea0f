import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { messageOf } from '../core/errors.js'
import { fail, ok, type Result } from '../core/result.js'

/** PEM files by which a client speaks TLS. */
export interface TlsFiles {
  readonly caFile?: string
  readonly certFile?: string
  readonly keyFile?: string
}

/** What is wrong with them, each line with its key and what to write; until when they count. */
export interface TlsFilesReport {
  readonly faults: readonly string[]
  /** Of the client's own certificate, where there is one and it can be read. */
  readonly certificate?: { readonly name: string; readonly validToMs: number }
}

/** Reads what a connection would read, before there is one. */
export function checkTlsFiles(
  { caFile, certFile, keyFile }: TlsFiles,
  nowMs: number,
): TlsFilesReport {
  const ca = certificateIn('caFile', caFile)
  const certificate = certificateIn('certFile', certFile)
  const key = readPem('keyFile', keyFile, createPrivateKey)
  const faults = [ca, certificate, key].flatMap(read => (read.ok ? [] : [read.error]))
  if (!certificate.ok || certificate.value === undefined) return { faults }
  const { value } = certificate
  const [fromMs, validToMs] = [Date.parse(value.validFrom), Date.parse(value.validTo)]
  const isOurs = !key.ok || key.value === undefined || value.checkPrivateKey(key.value)
  return {
    faults: [
      ...faults,
      ...(isOurs ? [] : ['keyFile: expected the key of certFile; write the path of that one']),
      ...(validToMs > nowMs ? [] : [`certFile: it was valid until ${value.validTo}; renew it`]),
      ...(fromMs <= nowMs
        ? []
        : [`certFile: it is valid from ${value.validFrom}: check the clock`]),
    ],
    certificate: { name: value.subject, validToMs },
  }
}

function certificateIn(
  name: string,
  file: string | undefined,
): Result<X509Certificate | undefined, string> {
  return readPem(name, file, pem => new X509Certificate(pem))
}

function readPem<Value>(
  name: string,
  file: string | undefined,
  read: (pem: string) => Value,
): Result<Value | undefined, string> {
  if (file === undefined) return ok(undefined)
  try {
    return ok(read(readFileSync(file, 'utf8')))
  } catch (thrown) {
    return fail(`${name}: expected a readable PEM file (${file}: ${messageOf(thrown)})`)
  }
}
