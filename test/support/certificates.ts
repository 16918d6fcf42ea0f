import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A certificate authority and what it signed, made anew for one test: no key is ever stored. */
export interface Certificates {
  readonly ca: string
  issue(subject: { readonly name: string; readonly host?: string }): Issued
}

export interface Issued {
  readonly cert: string
  readonly key: string
}

export function makeAuthority(): Certificates {
  const ca = inDirectory(directory => selfSigned(directory))
  return {
    ca: ca.cert,
    issue: ({ name, host = name }) =>
      inDirectory(directory => {
        const path = (file: string): string => join(directory, file)
        writeFileSync(path('ca.pem'), ca.cert)
        writeFileSync(path('ca.key'), ca.key)
        writeFileSync(path('extensions'), `subjectAltName=${altName(host)}\n`)
        const request = ['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
        openssl([...request, '-keyout', path('key'), '-subj', `/CN=${name}`, '-out', path('csr')])
        const by = ['-CA', path('ca.pem'), '-CAkey', path('ca.key'), '-CAcreateserial']
        const what = ['-in', path('csr'), '-extfile', path('extensions'), '-out', path('pem')]
        openssl(['x509', '-req', '-days', '2', ...by, ...what])
        return { cert: read(path('pem')), key: read(path('key')) }
      }),
  }
}

function selfSigned(directory: string): Issued {
  const [key, cert] = [join(directory, 'key'), join(directory, 'pem')]
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
  openssl(['req', '-x509', ...kind, '-keyout', key, '-subj', '/CN=test authority', '-out', cert])
  return { cert: read(cert), key: read(key) }
}

function altName(host: string): string {
  return /^[\d.]+$/.test(host) ? `IP:${host}` : `DNS:${host}`
}

function read(path: string): string {
  return readFileSync(path, 'utf8')
}

function openssl(args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: 'pipe' })
}

function inDirectory<Value>(work: (directory: string) => Value): Value {
  const directory = mkdtempSync(join(tmpdir(), 'tillbridge-ca-'))
  try {
    return work(directory)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
