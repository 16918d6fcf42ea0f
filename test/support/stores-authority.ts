import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { type Clock, systemClock } from '../../gateway/core/clock.js'
import { systemRandom } from '../../gateway/core/random.js'
import { deviceWith } from '../../gateway/enrol/device.js'
import { readRequest } from '../../gateway/hq/stores/statements.js'
import { StoreRegister } from '../../gateway/hq/stores/store-register.js'
import { newTlsKey } from '../../gateway/security/client-certificate.js'
import { signingKeyOf } from '../../gateway/security/signature.js'
import { STORE } from './sample.js'
import { freshDirectory } from './shop.js'

const DAY_MS = 24 * 3600 * 1000

/** Who issues the certificates of stores, in a folder that goes with the test. */
export function makeStoresAuthority(t: Test) {
  const folder = freshDirectory(t)
  mkdirSync(join(folder, 'public'))
  const [key, certificate] = [join(folder, 'authority.key'), join(folder, 'public/authority.pem')]
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '9']
  const files = ['-keyout', key, '-out', certificate]
  const subject = ['-subj', '/CN=tillbridge stores']
  execFileSync('openssl', ['req', '-x509', ...kind, ...files, ...subject], { stdio: 'pipe' })
  const read = (path: string): string => readFileSync(path, 'utf8')
  return { folder, certificate: read(certificate), key: read(key) }
}

export function openRegister(
  folder: string,
  options: { readonly validMs?: number; readonly clock?: Clock } = {},
) {
  const { validMs = 100 * DAY_MS, clock = systemClock } = options
  return StoreRegister.open({ folder, validMs, clock, random: systemRandom })
}

/** A gateway, and what it asks HQ. */
export function applicant(more: object = { store: STORE }) {
  const device = deviceWith(signingKeyOf(systemRandom.bytes(32)))
  const key = newTlsKey()
  const said = {
    ...{ v: 1, device: device.id, publicKey: device.publicKey, ...device.claim(key) },
    ...{ software: '0.1.0', hardware: 'a board', ...more },
  }
  const request = readRequest(Buffer.from(device.sign(said)))
  if (!request.ok) throw new Error(request.error)
  return { device, said, request: request.value }
}
